// The service behind the gateways: 1 KiB of JSON on every path, the key set of the bench's tokens where it is asked for.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const [port, jwksFile] = process.argv.slice(2);
const body = Buffer.from(JSON.stringify({ text: "x".repeat(1024 - 11) }));
const jwks = jwksFile ? readFileSync(jwksFile) : Buffer.from("{}");
createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const answer = request.url === "/.well-known/jwks.json" ? jwks : body;
  response.writeHead(200, { "content-type": "application/json", "content-length": answer.length });
  response.end(answer);
}).listen(Number(port), "127.0.0.1");
