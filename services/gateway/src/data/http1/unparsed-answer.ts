/** Why bytes are no HTTP request that could be passed to the layers. */
export type UnparsedProblem = "malformed" | "too-large" | "timeout" | "version" | "expectation";

const answers: Record<UnparsedProblem, readonly [status: string, message: string]> = {
  malformed: ["400 Bad Request", "the request is malformed"],
  "too-large": ["431 Request Header Fields Too Large", "the request headers are too large"],
  timeout: ["408 Request Timeout", "the request did not arrive in time"],
  version: ["505 HTTP Version Not Supported", "use HTTP/1.1 or HTTP/2"],
  expectation: ["417 Expectation Failed", "the only expectation that is understood is 100-continue"],
};

/** An answer to such bytes, after which the connection ends. */
export function unparsedAnswer(problem: UnparsedProblem): string {
  const [status, message] = answers[problem];
  const body = `${JSON.stringify({ code: "invalid_argument", message, reason: "BAD_REQUEST" })}\n`;
  const head = `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
  return `${head}\r\n\r\n${body}`;
}
