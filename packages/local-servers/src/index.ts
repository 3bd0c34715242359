export type { LocalServer } from "./local-server.ts";
export { type ServerProcess, type ServerProcessOptions, startServerProcess } from "./server-process.ts";
