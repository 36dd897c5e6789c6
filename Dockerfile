# One-Time View in a container: docs/operating.md says how to run it.

FROM python:3.11-slim-bookworm AS build
COPY . /source
# Builds the page, too: Node comes as a wheel, and stays behind.
RUN pip wheel --no-cache-dir --wheel-dir /wheels /source

FROM python:3.11-slim-bookworm
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --no-index --find-links /wheels one-time-view \
 && rm -r /wheels \
 && groupadd --gid 10001 otv && useradd --uid 10001 --gid otv --no-create-home --shell /usr/sbin/nologin otv \
 && install -d -o otv -g otv -m 0700 /data
USER otv
VOLUME /data
# Behind a container's network strangers can look like neighbours, so everyone shows a token.
ENV OTV_DATA=/data OTV_UPLOADS=token PYTHONDONTWRITEBYTECODE=1
EXPOSE 8443
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/api/v1/info', timeout=4)"]
CMD ["otv-server"]
