import { runService } from "@plinth/service";
import { auth } from "./app.ts";

await runService(auth);
