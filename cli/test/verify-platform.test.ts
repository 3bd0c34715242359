import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "@plinth/kernel";
import { expect, onTestFinished, test } from "vitest";
import { verifyPlatform } from "../src/verify/verify-platform.ts";

/** What stands where the gateway should be answers every call the same way. */
async function verifyAgainst(status: number, body: string): Promise<{ passed: boolean; lines: string[] }> {
  const server = createServer((_, response) => {
    response.writeHead(status, { "content-type": "application/json", "x-request-id": "req-7" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const lines: string[] = [];
  const passed = await verifyPlatform({
    gatewayUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    admin: { email: "admin@plinth.localhost", password: "x" },
    clock: systemClock,
    print: (line) => lines.push(line),
  });
  return { passed, lines };
}

test("a failed step is told with its error, its request and where to look, and ends the check", async () => {
  const { passed, lines } = await verifyAgainst(503, JSON.stringify({ code: "unavailable", message: "no endpoint" }));
  expect(passed).toBe(false);
  expect(lines).toEqual([
    "✗ the administrator signs in: unavailable: no endpoint (request req-7)",
    "  look at: plinth logs auth, plinth logs identity",
  ]);
});

test("a gateway that lets everything through does not pass", async () => {
  const everything = { accessToken: "a", refreshToken: "r", id: "i" };
  const { passed, lines } = await verifyAgainst(200, JSON.stringify(everything));
  expect(passed).toBe(false);
  expect(lines[1]).toBe("✗ a wrong password is refused: expected unauthenticated, got success (request req-7)");
});

test("an answer that is no JSON is told, not crashed on", async () => {
  const { lines } = await verifyAgainst(502, "<html>bad gateway</html>");
  expect(lines[0]).toContain("http_502: <html>bad gateway</html>");
});
