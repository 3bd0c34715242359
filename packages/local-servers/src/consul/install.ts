// Builds Consul, for scripts that prepare a machine.
import { installConsul } from "./install-consul.ts";

process.stdout.write(`Consul is in ${await installConsul()}\n`);
