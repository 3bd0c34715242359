import { eventually } from "@plinth/testing";
import type { BuiltImage } from "../../tools/images/build-images.ts";
import { installGatewayApi } from "./gateway-api.ts";
import { clusterUp, provideImages } from "./hermetic-cluster.ts";
import { get, kubectl } from "./kubectl.ts";
import { release } from "./release.ts";

/** A cluster that is ready for the platform. */
export interface Target {
  kubeconfig: string;
  /** False for a cluster that was given by KUBECONFIG. */
  hermetic: boolean;
  /** Empty where the cluster pulls its images. */
  images: BuiltImage[];
}

/** The cluster of KUBECONFIG, or the hermetic one, brought up; with images and the Gateway API's CRDs on it. */
export async function prepareCluster(print: (line: string) => void): Promise<Target> {
  const given = process.env["KUBECONFIG"];
  const kubeconfig = given ?? (await clusterUp());
  process.env["KUBECONFIG"] = kubeconfig;
  await kubectl("get", "--raw", "/readyz");
  const images = given === undefined ? await provideImages(print) : [];
  await installGatewayApi();
  return { kubeconfig, hermetic: given === undefined, images };
}

export interface Administrator {
  email: string;
  password: string;
}

export async function administrator(): Promise<Administrator> {
  const secret = await get("secret", "plinth-administrator", release.namespace);
  const text = (key: string): string => Buffer.from(secret?.data?.[key] ?? "", "base64").toString("utf8");
  return { email: text("email"), password: text("password") };
}

/** Where the gateway is reached from this machine, once it has said so: pods and Services of the hermetic cluster have routes here. */
export function gatewayUrl(): Promise<string> {
  return eventually(async () => {
    const gateway = await get("gateway", "plinth", release.namespace);
    const address = gateway?.status?.addresses?.[0]?.value as string | undefined;
    if (address === undefined) throw new Error("the Gateway plinth has no address yet");
    const port = gateway?.spec?.listeners?.[0]?.port as number;
    return `http://${address}:${port}`;
  }, 60_000);
}
