# The scheduler: what decides and records. It alone opens the database.
# docker build -f deploy/docker/scheduler.Dockerfile -t schedulezero-scheduler .
ARG PYTHON=3.13-slim-bookworm

FROM python:${PYTHON} AS build
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /src
COPY pyproject.toml uv.lock ./
COPY packages packages
COPY services services
COPY tests/testkit tests/testkit
COPY deploy deploy
RUN deploy/build.sh /wheels && deploy/install.sh /wheels /opt/schedulezero schedulezero-scheduler \
    'schedulezero-scheduler-core[mysql,postgresql]'

FROM python:${PYTHON}
COPY --from=build /opt/schedulezero /opt/schedulezero
COPY deploy/docker/healthy.py /opt/healthy.py
# The one directory that it writes to; a new volume takes over its owner.
RUN install -d -m 0700 -o 10001 -g 10001 /var/lib/schedulezero
VOLUME /var/lib/schedulezero
ENV PATH=/opt/schedulezero/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    SCHEDULEZERO_STATE_DIR=/var/lib/schedulezero
USER 10001:10001
WORKDIR /
EXPOSE 4244 4245 4247
HEALTHCHECK --interval=5s --timeout=3s --start-period=15s CMD ["python", "/opt/healthy.py", "4247", "/health"]
ENTRYPOINT ["schedulezero-scheduler"]
