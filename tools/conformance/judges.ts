import { goProgram } from "../go-program.ts";

/** Programs of others that judge our server and our client. */
export interface Judges {
  connect: string;
  grpcClient: string;
  grpcServer: string;
}

const connect = "connectrpc.com/conformance/cmd/connectconformance@v1.0.7";
const grpc = "google.golang.org/grpc/interop";
const grpcVersion = "v1.84.0";

/**
 * Builds what is missing, once, into the cluster's cache, outside any clone (about 3 minutes with empty Go caches). Throws
 * when Go is missing or a build fails.
 */
export function buildJudges(): Judges {
  return {
    connect: goProgram(connect),
    grpcClient: goProgram(`${grpc}/client@${grpcVersion}`, "grpc-interop-client"),
    grpcServer: goProgram(`${grpc}/server@${grpcVersion}`, "grpc-interop-server"),
  };
}
