/** Server status bits of OK and EOF packets. All that MySQL has; `sent` by us are those a session sets in `statusFlags()` and the two we add. */

export const STATUS_FLAG = {
  inTransaction: 0x0001,
  autocommit: 0x0002,
  /** Not sent: a command has one result here. */
  moreResults: 0x0008,
  noGoodIndexUsed: 0x0010,
  noIndexUsed: 0x0020,
  /** Not sent: cursors are declined, rows are streamed with back-pressure instead. */
  cursorExists: 0x0040,
  lastRowSent: 0x0080,
  databaseDropped: 0x0100,
  noBackslashEscapes: 0x0200,
  metadataChanged: 0x0400,
  queryWasSlow: 0x0800,
  outParameters: 0x1000,
  inReadOnlyTransaction: 0x2000,
  /** Added by the response writer when it appends a session-state block. */
  sessionStateChanged: 0x4000,
} as const;
