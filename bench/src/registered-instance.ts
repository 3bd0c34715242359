// One instance of a service that registers itself: `node registered-instance.ts DRIVER URL`. It prints the port that it listens
// on, reads the one that it shall tell others, and registers.
import { once } from "node:events";
import { AuditService } from "@plinth/proto/plinth/audit/v1/audit";
import { access } from "@plinth/rpc";
import { startOpenServer } from "@plinth/testing/open-server";
import { discoveryOf } from "./discovery-of.ts";

const [driver = "", url = ""] = process.argv.slice(2);
const route = { access: access.public, handle: async ({ id }: { id: string }) => ({ id }) };
const server = await startOpenServer([{ service: AuditService, routes: new Map([["getEntry", route]]) }]);
process.stdout.write(`${server.port()}\n`);
const [told] = await once(process.stdin, "data");
const { registry } = await discoveryOf(driver, url);
const instance = { service: "audit", instanceId: `i-${process.pid}`, host: "127.0.0.1", port: Number(String(told)) };
await registry.register(instance);
process.stdout.write("registered\n");
