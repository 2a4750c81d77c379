/**
 * The way to the peer, as a port: one address to listen on, one to dial. TCP in production, a virtual network in the simulator.
 *
 * A connection is an ordered stream of bytes both ways. It may fall silent without a word, deliver bytes late, and split
 * or join them anywhere.
 */

export interface Connection {
  /** For messages only, e.g. "10.0.0.2:51234". */
  readonly remote: string;
  /**
   * Queues the parts, in order. They must not change afterwards. False: the far side or the socket is slow; wait for `onDrain`
   * before sending more records. Bytes sent after the end go nowhere.
   */
  send(parts: readonly Uint8Array[]): boolean;
  /** Called when everything queued has been handed on. */
  onDrain(listener: () => void): void;
  /** Called with each chunk. The bytes are borrowed: they are overwritten once the listener has returned. */
  onData(listener: (bytes: Uint8Array) => void): void;
  /** Called once, when the connection has ended, for whatever reason. */
  onClose(listener: (cause: Error | null) => void): void;
  /** Sends what is queued if the far side takes it soon, then ends. */
  close(): void;
  /** Ends at once. */
  destroy(): void;
}

export interface Transport {
  /** Takes connections until `close`. Rejects when the address cannot be had. */
  listen(onConnection: (connection: Connection) => void): Promise<void>;
  /** Connects to the configured peer; rejects when refused, unreachable or not answered within the transport's own limit. */
  dial(): Promise<Connection>;
  /** Stops listening. Open connections are their owner's. */
  close(): Promise<void>;
}
