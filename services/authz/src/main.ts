import { runService } from "@plinth/service";
import { authz } from "./app.ts";

await runService(authz);
