// Bundles the service in the current folder into dist/; turbo runs it for each of them.
import { bundleService } from "@plinth/cli";

process.stdout.write(`${await bundleService(process.cwd())}\n`);
