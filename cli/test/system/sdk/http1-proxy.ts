import { createServer, type RequestListener, request } from "node:http";
import type { AddressInfo } from "node:net";

export interface Http1Proxy {
  url: string;
  /** Requests that it passed on so far. */
  passed(): number;
  stop(): Promise<void>;
}

/**
 * A proxy that lets HTTP/1.1 pass and nothing else, as old load balancers do. What `own` has by path it answers itself, at the
 * platform's origin.
 */
export async function startHttp1Proxy(
  target: string,
  own: Readonly<Record<string, RequestListener>> = {},
): Promise<Http1Proxy> {
  let passed = 0;
  const server = createServer((incoming, outgoing) => {
    const { method, headers, url = "/" } = incoming;
    const answer = own[url];
    if (answer) return answer(incoming, outgoing);
    passed++;
    const onward = request(new URL(url, target), { method, headers }, (answered) => {
      outgoing.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(outgoing);
    });
    onward.once("error", () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passed: () => passed,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
