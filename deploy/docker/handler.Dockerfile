# A handler, on the SDK alone; put a program of yours in the place of the example:
# docker build -f deploy/docker/handler.Dockerfile --build-arg HANDLER=deploy/docker/reports.py -t schedulezero-handler .
ARG PYTHON=3.13-slim-bookworm

FROM python:${PYTHON} AS build
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /src
COPY pyproject.toml uv.lock ./
COPY packages packages
COPY services services
COPY tests/testkit tests/testkit
COPY deploy deploy
RUN deploy/build.sh /wheels && deploy/install.sh /wheels /opt/schedulezero schedulezero-handler-sdk

FROM python:${PYTHON}
ARG HANDLER=deploy/docker/reports.py
COPY --from=build /opt/schedulezero /opt/schedulezero
COPY ${HANDLER} /opt/handler.py
ENV PATH=/opt/schedulezero/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /tmp
# Its health is its heartbeat: GET /api/handlers tells which instances are well.
HEALTHCHECK NONE
ENTRYPOINT ["python", "/opt/handler.py"]
