import { answerText } from './support/test-session.js';
import { startTestServer } from './support/test-server.js';
import type { TestServer } from './support/test-server.js';

describe('smoke', () => {
  let t: TestServer;
  beforeAll(async () => {
    t = await startTestServer({
      'SELECT 1': (response) => answerText(response, 'hello'),
      'SELECT ?': (response) => answerText(response, 'hello'),
    });
  });
  afterAll(() => t.close());
  test('connects', async () => {
    const c = await t.connect();
    expect(await c.query('SELECT 1')).toMatchObject([[{ v: 'hello' }], [{}]]);
    expect(await c.execute('SELECT ?', [1])).toMatchObject([[{ v: 'hello' }], [{}]]);
    await c.ping();
    await c.end();
  });
});
