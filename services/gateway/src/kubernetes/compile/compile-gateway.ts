import type { ConditionUpdate } from "@plinth/kube";
import { objectKey } from "@plinth/kube";
import { type Gateway, type GatewayAddress, gatewayApiGroup } from "../gateway-api.ts";
import { targetPortsOf } from "../gateway-service.ts";
import type { Service } from "../snapshot.ts";
import type { ClusterView } from "./cluster-view.ts";
import type { GatewayStatus, WantedService } from "./compiled-cluster.ts";
import { condition } from "./condition-update.ts";
import type { Finding } from "./finding.ts";
import { isServing, type Listener, listenerConditions } from "./listener.ts";

export interface CompiledGateway {
  status: GatewayStatus;
  /** Absent when there is nothing to be reached. */
  wanted: WantedService | undefined;
}

/** The status of a Gateway, after its routes are attached. */
export function compileGateway(view: ClusterView, gateway: Gateway, listeners: readonly Listener[]): CompiledGateway {
  const refused = refusalOf(gateway);
  const service = view.gatewayService(objectKey(gateway.metadata));
  const requested = (gateway.spec.addresses ?? []).flatMap(({ value }) => value || []);
  const valid = listeners.filter((listener) => listener.refused === undefined);
  const ports = [...new Set(valid.map(({ spec }) => spec.port))].sort((a, b) => a - b);
  const isWanted = refused === undefined && ports.length > 0 && requested.length <= 1;
  const addresses = isWanted && service ? addressesOf(service) : [];
  const openings = new Map(
    listeners.map((listener) => [listener, openingOf(view, isWanted ? service : undefined, listener.spec.port)]),
  );
  const programmed =
    refused ?? (requested.length > 1 ? tooManyAddresses : unprogrammed({ listeners, openings, addresses, requested }));
  const { generation } = gateway.metadata;
  return {
    status: {
      conditions: [
        acceptance(refused, listeners, generation),
        programmed
          ? condition("Programmed", "False", programmed.reason, programmed.message, generation)
          : condition("Programmed", "True", "Programmed", "the Gateway serves at its addresses", generation),
      ],
      addresses,
      listeners: listeners.map((listener) => ({
        name: listener.spec.name,
        supportedKinds: listener.kinds.map((kind) => ({ group: gatewayApiGroup, kind })),
        attachedRoutes: listener.attached.size,
        conditions: listenerConditions(listener, refused ?? openings.get(listener)),
      })),
    },
    wanted: isWanted ? { gateway, ports, address: requested[0] } : undefined,
  };
}

/** Why nothing of the Gateway is served. */
function refusalOf({ spec }: Gateway): Finding | undefined {
  if (spec.infrastructure?.parametersRef)
    return { reason: "InvalidParameters", message: "infrastructure.parametersRef is not supported" };
  const type = spec.addresses?.map((address) => address.type ?? "IPAddress").find((name) => name !== "IPAddress");
  return type === undefined
    ? undefined
    : { reason: "UnsupportedAddress", message: `addresses of type ${type} are not supported; IPAddress is` };
}

function acceptance(
  refused: Finding | undefined,
  listeners: readonly Listener[],
  generation: number | undefined,
): ConditionUpdate {
  if (refused) return condition("Accepted", "False", refused.reason, refused.message, generation);
  const wrong = listeners.find((listener) => listener.refused !== undefined);
  if (wrong === undefined) return condition("Accepted", "True", "Accepted", "the Gateway is valid", generation);
  const isAllWrong = listeners.every((listener) => listener.refused !== undefined);
  const message = `the listener ${wrong.spec.name} is not valid: ${wrong.refused?.message}`;
  return condition("Accepted", isAllWrong ? "False" : "True", "ListenersNotValid", message, generation);
}

const tooManyAddresses: Finding = {
  reason: "AddressNotUsable",
  message: "a Gateway is reached through one Service, which takes one address",
};

/** Why a port of a Gateway is not open; undefined when it is. */
function openingOf(view: ClusterView, service: Service | undefined, port: number): Finding | undefined {
  const target = service && targetPortsOf(service).get(port);
  if (target === undefined)
    return { reason: "Pending", message: `the Service that leads to port ${port} is not there yet` };
  if (!view.snapshot.openPorts.has(target)) return { reason: "Pending", message: `port ${port} is not open yet` };
  const failure = view.snapshot.openPorts.get(target);
  return failure === undefined
    ? undefined
    : { reason: "PortUnavailable", message: `port ${port} (${target} of the pods) cannot be opened: ${failure}` };
}

function addressesOf({ spec, status }: Service): GatewayAddress[] {
  const ingress = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }): GatewayAddress[] => {
    if (ip) return [{ type: "IPAddress", value: ip }];
    return hostname ? [{ type: "Hostname", value: hostname }] : [];
  });
  if (ingress.length > 0) return ingress;
  const own = (spec?.clusterIPs ?? [spec?.clusterIP]).filter((ip): ip is string => !!ip && ip !== "None");
  return own.map((value) => ({ type: "IPAddress", value }));
}

function unprogrammed(inputs: {
  listeners: readonly Listener[];
  openings: ReadonlyMap<Listener, Finding | undefined>;
  addresses: readonly GatewayAddress[];
  requested: readonly string[];
}): Finding | undefined {
  const { listeners, openings, addresses, requested } = inputs;
  const serving = listeners.filter(isServing);
  if (serving.length === 0) return { reason: "Invalid", message: "no listener can serve" };
  const [address] = requested;
  if (address !== undefined && !addresses.some(({ value }) => value === address))
    return { reason: "AddressNotUsable", message: `the address ${address} is not assigned` };
  if (addresses.length === 0) return { reason: "AddressNotAssigned", message: "no address is assigned yet" };
  const closed = serving.find((listener) => openings.get(listener) !== undefined);
  const why = closed && openings.get(closed);
  return why && { reason: why.reason, message: `the listener ${closed.spec.name}: ${why.message}` };
}
