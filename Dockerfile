# One image for every program of Plinth: services, operator, migrator, cli and the examples.
#   npm run images -- --stage                       bundles them into dist/images/NAME
#   docker build --build-arg SERVICE=auth --build-arg NODE_IMAGE=node:26-bookworm-slim -t plinth/auth:0.1.0 .
# A folder there holds the bundle, packages with native code and the migrations; nothing else is in the image but Node.
# The base needs Node 26 in PATH, and `cp` where migrations are copied out of images (Kubernetes before 1.35).
ARG NODE_IMAGE=node:26-bookworm-slim
FROM ${NODE_IMAGE}
ARG SERVICE
COPY dist/images/${SERVICE}/ /app/
USER 65532:65532
WORKDIR /app
ENV NODE_ENV=production
ENTRYPOINT ["node", "/app/main.js"]
