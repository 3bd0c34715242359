import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import type { Handler } from "@plinth/rpc";
import type { ModelCache } from "../model/model-cache.ts";
import { platformModule } from "../model/platform-module.ts";
import type { AuthzStore } from "../store/authz-store.ts";

export const getModel =
  (store: AuthzStore, models: ModelCache): Handler<typeof AuthzService.method.getModel> =>
  () =>
    store.read(undefined, async (snapshot) => {
      const { version } = await models.modelOf(snapshot);
      const modules = await snapshot.modules();
      return {
        modelVersion: version,
        modules: [
          { module: platformModule.name, dsl: platformModule.dsl },
          ...modules.map(({ name, dsl, updateTime }) => ({
            module: name,
            dsl,
            updateTime: timestampFromDate(updateTime),
          })),
        ],
      };
    });
