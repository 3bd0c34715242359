import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** A proxy that lets HTTP/1.1 pass and nothing else, as old load balancers do. Counts what it passed on. */
export async function startHttp1Proxy(
  target: string,
): Promise<{ url: string; passed(): number; stop(): Promise<void> }> {
  let passed = 0;
  const server = createServer((incoming, outgoing) => {
    passed++;
    const { method, headers, url = "/" } = incoming;
    const onward = request(new URL(url, target), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
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
