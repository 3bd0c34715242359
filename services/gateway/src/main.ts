import { runService } from "@plinth/service";
import { compose } from "./app.ts";
import { gatewayConfig } from "./config.ts";

await runService({ name: "gateway", version: "0.1.0", config: gatewayConfig, uses: {}, compose });
