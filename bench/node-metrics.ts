/** What a node says of itself on /metrics. */

import { httpRequest } from './raw-http-client.js';

export interface NodeMetrics {
  /** Since the page was last asked for. */
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
  /** Any value by its name, labels included; NaN where there is none. */
  value(name: string): number;
}

export async function nodeMetrics(httpPort: number): Promise<NodeMetrics> {
  const page = await httpRequest(httpPort, '/metrics');
  const values = new Map<string, number>();
  for (const [, name, value] of page.matchAll(/^(\w+(?:\{[^}\n]*\})?) (\S+)$/gm)) {
    values.set(name!, Number(value));
  }
  const value = (name: string): number => values.get(name) ?? NaN;
  return {
    loopDelayP99Ms: value('twintide_event_loop_delay_ms{quantile="0.99"}'),
    loopDelayMaxMs: value('twintide_event_loop_delay_ms{quantile="1"}'),
    value,
  };
}
