import { ErrorInfoSchema } from "@plinth/proto/google/rpc/error_details";
import type { RpcServer } from "@plinth/rpc";
import { startOpenServer } from "@plinth/testing/open-server";
import { conformanceRoutes } from "./conformance-service.ts";
import { interopRoutes } from "./interop-service.ts";

/** The server of every Plinth service, with everything that a call passes, and the judges' services on it. */
export function startTestedServer(options: { readMaxBytes?: number } = {}): Promise<RpcServer> {
  return startOpenServer([conformanceRoutes, interopRoutes], {
    // The suite counts an error's details, and knows nothing of ours.
    explainError(error) {
      error.details = error.details.filter((detail) => !("desc" in detail) || detail.desc !== ErrorInfoSchema);
    },
    ...options,
  });
}
