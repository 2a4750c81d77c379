/** What stops an export or import and is the user's to mend: a bad line, a value that does not fit, a file that changed. */
export class TransferError extends Error {
  override readonly name = 'TransferError';
  readonly code = 'TWINTIDE_TRANSFER';
}
