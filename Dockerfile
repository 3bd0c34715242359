# One image for every program of Plinth: services, operator, migrator, cli and the examples.
#   docker build --build-arg SERVICE=auth --tag plinth/auth:0.1.0 .
# makes it from the clone alone. Who has the bundles already (`npm run images -- --stage`) hands them over instead:
#   docker build --build-arg SERVICE=auth --build-arg BUNDLES=staged --file Dockerfile --tag plinth/auth:0.1.0 dist/images
# An image holds a bundle, packages with native code, the migrations, and Node; nothing else of the clone.
# The base needs Node 26 in PATH, npm where it builds from source, and `cp` where migrations are copied out of images
# (Kubernetes before 1.35).
ARG NODE_IMAGE=node:26-bookworm-slim
ARG BUNDLES=source

# What npm looks at, alone: a change anywhere else installs nothing anew.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /source
COPY . .
RUN find . -type f ! -name package.json ! -name package-lock.json ! -name .npmrc -delete

FROM ${NODE_IMAGE} AS source
# Another registry than npm's own.
ARG NPM_CONFIG_REGISTRY
WORKDIR /source
COPY --from=manifests /source .
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN node tools/images.ts --stage && mv dist/images /bundles

FROM scratch AS staged
ARG SERVICE
COPY ${SERVICE}/ /bundles/${SERVICE}/

FROM ${BUNDLES} AS bundles

FROM ${NODE_IMAGE}
ARG SERVICE
COPY --from=bundles /bundles/${SERVICE}/ /app/
USER 65532:65532
WORKDIR /app
ENV NODE_ENV=production
ENTRYPOINT ["node", "/app/main.js"]
