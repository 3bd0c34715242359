import type { Target } from "./platform.ts";
import { helmInstall, isInstalled } from "./release.ts";

/** For a suite that is run by itself: installs the platform unless an earlier one did. */
export async function ensurePlatform({ images }: Target): Promise<void> {
  if (!(await isInstalled())) await helmInstall({ images });
}
