import { runService } from "@plinth/service";
import { identity } from "./app.ts";

await runService(identity);
