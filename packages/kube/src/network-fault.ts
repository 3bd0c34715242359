import { Fault } from "@plinth/kernel";

/** What undici and Node throw when a server does not answer, as a Fault. Anything else is passed on: it is a bug. */
export function networkFault(err: unknown, server: string): unknown {
  if (!(err instanceof Error)) return err;
  const code = (err as { code?: unknown }).code;
  if (err.name === "TimeoutError" || code === "UND_ERR_HEADERS_TIMEOUT") return timedOut(server, err);
  if (code === "UND_ERR_BODY_TIMEOUT") {
    return new Fault({
      code: "deadline_exceeded",
      reason: "STREAM_IDLE",
      message: `the API server at ${server} sent nothing for too long`,
      cause: err,
    });
  }
  if (err instanceof SyntaxError) {
    return new Fault({
      code: "internal",
      reason: "ANSWER_NOT_JSON",
      message: `the answer of ${server} is labelled JSON and is not`,
      cause: err,
    });
  }
  if (typeof code === "string" || err.name === "AggregateError") {
    return new Fault({
      code: "unavailable",
      reason: "API_SERVER_UNREACHABLE",
      message: `the API server at ${server} cannot be reached: ${err.message || code}`,
      cause: err,
    });
  }
  return err;
}

const timedOut = (server: string, cause: unknown): Fault =>
  new Fault({
    code: "deadline_exceeded",
    reason: "API_SERVER_TIMEOUT",
    message: `the API server at ${server} did not answer in time`,
    cause,
  });
