// Builds Docker Compose, for scripts that prepare a machine.
import { installCompose } from "./install-compose.ts";

process.stdout.write(`Docker Compose is in ${await installCompose()}\n`);
