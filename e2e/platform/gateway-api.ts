import { installModuleCrds } from "./module-crds.ts";

/** The standard channel of the Gateway API: CRDs only. */
export const installGatewayApi = (): Promise<void> =>
  installModuleCrds("sigs.k8s.io/gateway-api@v1.6.3", "config/crd/standard/gateway.networking.k8s.io_+([a-z]).yaml");
