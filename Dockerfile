# A HyperLoom server or worker: docker build -t hyperloom . && docker run hyperloom --help
FROM node:20-slim AS build
WORKDIR /hyperloom
COPY package.json package-lock.json .npmrc tsconfig.json tsconfig.build.json ./
RUN npm ci
COPY scripts scripts
COPY src src
RUN npm run build

FROM node:20-slim
# Python: starts programs for the worker, and runs Python functions.
RUN apt-get update \
  && apt-get install -y --no-install-recommends python3 python3-venv \
  && rm -rf /var/lib/apt/lists/*
COPY python/requirements.txt /opt/python/
RUN python3 -m venv /opt/python \
  && /opt/python/bin/pip install --no-cache-dir -r /opt/python/requirements.txt
# What your functions import: in an image made from this one, USER root and pip install.
ENV PATH=/opt/python/bin:$PATH
WORKDIR /hyperloom
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev && npm cache clean --force
COPY --from=build /hyperloom/dist dist
COPY launcher launcher
COPY proto proto
COPY python/function_process python/function_process
# For functions that make tasks: what they import as "loom".
COPY python/loom python/loom
COPY LICENSE ./
RUN ln -s /hyperloom/dist/cli/loom.js /usr/local/bin/loom
USER node
WORKDIR /home/node
EXPOSE 9010
ENTRYPOINT ["loom"]
CMD ["server", "--listen", "0.0.0.0"]
