# The web gateway: the REST API, the pages with their islands, and the documentation.
# docker build -f deploy/docker/web-gateway.Dockerfile -t schedulezero-web-gateway .
ARG PYTHON=3.13-slim-bookworm

FROM node:24-slim AS islands
WORKDIR /src/islands
COPY islands/package.json islands/package-lock.json islands/.npmrc ./
RUN npm ci
COPY islands ./
# What is built is put beside the pages.
COPY packages/web /src/packages/web
RUN npm run build

FROM python:${PYTHON} AS build
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /src
COPY pyproject.toml uv.lock ./
COPY packages packages
COPY services services
COPY tests/testkit tests/testkit
COPY deploy deploy
COPY mkdocs.yml ./
COPY docs_site docs_site
COPY --from=islands /src/packages packages
COPY --from=islands /src/docs_site docs_site
RUN uv run --frozen --only-group docs mkdocs build --quiet --strict --site-dir /docs
RUN deploy/build.sh /wheels && deploy/install.sh /wheels /opt/schedulezero schedulezero-web-gateway

FROM python:${PYTHON}
COPY --from=build /opt/schedulezero /opt/schedulezero
COPY --from=build /docs /opt/docs
COPY deploy/docker/healthy.py /opt/healthy.py
ENV PATH=/opt/schedulezero/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    SCHEDULEZERO_WEB_DOCS_PATH=/opt/docs
USER 10001:10001
WORKDIR /
EXPOSE 8888
HEALTHCHECK --interval=5s --timeout=3s --start-period=15s CMD ["python", "/opt/healthy.py", "8888", "/api/health/live"]
ENTRYPOINT ["schedulezero-web"]
