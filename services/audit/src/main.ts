import { runService } from "@plinth/service";
import { audit } from "./app.ts";

await runService(audit);
