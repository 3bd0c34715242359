import { stringify } from "yaml";
import type { NormalPlatformService, PlatformService } from "./platform-service.ts";

/** A PlatformService as YAML, one document. */
export function formatManifest(service: PlatformService | NormalPlatformService): string {
  return stringify(service, { lineWidth: 0 });
}
