import { runService } from "@plinth/service";
import { notes } from "./app.ts";

await runService(notes);
