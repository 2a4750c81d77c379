/**
 * A cable between two nodes that can be pulled: a TCP proxy on loopback, in front of one node's link.
 *
 *   open     bytes go both ways, each chunk a chosen delay after it came
 *   cut      connections are reset, what was under way is gone, new ones are reset at once: a loss that both nodes notice
 *   silent   nothing moves and nobody is told, as behind a dead switch; after healing it all arrives, as TCP would resend it
 */

import { connect, createServer, type Server, type Socket } from 'node:net';

export type CableState = 'open' | 'cut' | 'silent';

/** How long a chunk is under way, by direction. */
export interface Delays {
  readonly fromDialer: number;
  /** From the node behind the proxy. */
  readonly fromNode: number;
}

/** Held back at most, a direction; beyond it the sender is paused, as by a full pipe. */
const HELD_BYTES_MAX = 8 * 1024 * 1024;

export class LinkProxy {
  readonly port: number;
  readonly #targetPort: number;
  readonly #cables = new Set<Cable>();
  #server: Server | null = null;
  #state: CableState = 'open';
  #delaysMs: Delays = { fromDialer: 0, fromNode: 0 };

  /** @param port where to listen; @param targetPort of the node behind */
  static async open(port: number, targetPort: number): Promise<LinkProxy> {
    const proxy = new LinkProxy(port, targetPort);
    await proxy.#listen();
    return proxy;
  }

  private constructor(port: number, targetPort: number) {
    this.port = port;
    this.#targetPort = targetPort;
  }

  get state(): CableState {
    return this.#state;
  }

  get delaysMs(): Delays {
    return this.#delaysMs;
  }

  /** Connections through the proxy now. */
  get connections(): number {
    return this.#cables.size;
  }

  set(state: CableState): void {
    this.#state = state;
    for (const cable of this.#cables) {
      if (state === 'cut') cable.reset();
      else cable.wake();
    }
  }

  delay(delaysMs: Delays): void {
    this.#delaysMs = delaysMs;
  }

  async close(): Promise<void> {
    const server = this.#server;
    for (const cable of this.#cables) cable.reset();
    if (server === null) return;
    this.#server = null;
    await new Promise((resolve) => {
      server.close(resolve);
    });
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true }, (near) => this.#accept(near));
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', () => {
        this.#server = server;
        resolve();
      });
    });
  }

  #accept(near: Socket): void {
    near.on('error', () => undefined);
    if (this.#state === 'cut') {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ port: this.#targetPort, host: '127.0.0.1', noDelay: true });
    far.on('error', () => undefined);
    const cable = new Cable(this, near, far, () => this.#cables.delete(cable));
    this.#cables.add(cable);
  }
}

/** One connection: two sockets and what is under way between them. */
class Cable {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #flows: readonly Flow[];

  constructor(proxy: LinkProxy, near: Socket, far: Socket, onEnd: () => void) {
    this.#near = near;
    this.#far = far;
    this.#flows = [
      new Flow(proxy, 'fromDialer', near, far),
      new Flow(proxy, 'fromNode', far, near),
    ];
    let open = 2;
    for (const socket of [near, far]) {
      socket.on('close', () => {
        open -= 1;
        if (open === 0) onEnd();
      });
    }
  }

  wake(): void {
    for (const flow of this.#flows) flow.pump();
  }

  reset(): void {
    for (const flow of this.#flows) flow.drop();
    for (const socket of [this.#near, this.#far]) {
      if (socket.connecting) socket.destroy();
      else socket.resetAndDestroy();
    }
  }
}

interface Chunk {
  readonly bytes: Buffer;
  readonly dueMs: number;
}

/** One direction. Ends its target only after everything held has gone there. */
class Flow {
  readonly #proxy: LinkProxy;
  readonly #from: Socket;
  readonly #to: Socket;
  #chunks: Chunk[] = [];
  #heldBytes = 0;
  #hasEnded = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(proxy: LinkProxy, direction: keyof Delays, from: Socket, to: Socket) {
    this.#proxy = proxy;
    this.#from = from;
    this.#to = to;
    from.on('data', (bytes: Buffer) => {
      this.#chunks.push({ bytes, dueMs: performance.now() + proxy.delaysMs[direction] });
      this.#heldBytes += bytes.length;
      this.pump();
      if (this.#heldBytes > HELD_BYTES_MAX) from.pause();
    });
    from.on('close', () => {
      this.#hasEnded = true;
      this.pump();
    });
    to.on('drain', () => this.pump());
    to.on('close', () => this.drop());
  }

  drop(): void {
    this.#chunks = [];
    this.#heldBytes = 0;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  pump(): void {
    if (this.#timer !== null) return;
    if (this.#proxy.state === 'silent') return;
    while (this.#chunks.length > 0 && !this.#to.writableNeedDrain) {
      const { bytes, dueMs } = this.#chunks[0]!;
      const earlyMs = dueMs - performance.now();
      if (earlyMs > 0) {
        this.#timer = setTimeout(() => {
          this.#timer = null;
          this.pump();
        }, earlyMs);
        return;
      }
      this.#chunks.shift();
      this.#heldBytes -= bytes.length;
      this.#to.write(bytes);
    }
    if (this.#heldBytes <= HELD_BYTES_MAX) this.#from.resume();
    if (this.#hasEnded && this.#chunks.length === 0) this.#to.end();
  }
}
