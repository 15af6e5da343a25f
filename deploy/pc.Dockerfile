# A line PC without a GPU: ONNX Runtime and OpenVINO on the processor.
#   pip wheel --no-deps --wheel-dir dist . && docker build -f deploy/pc.Dockerfile -t taktsight-line .
# Default: the image of the Python that Taktsight is developed with. Name another, or a mirror's, with --build-arg.
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE} AS wheels
COPY dist/taktsight-*.whl constraints.txt /build/
RUN python -m venv /opt/taktsight \
    && wheel="$(ls /build/taktsight-*.whl)" \
    && /opt/taktsight/bin/pip install --no-cache-dir --constraint /build/constraints.txt "${wheel}[line,openvino]"

FROM ${BASE}
COPY --from=wheels /opt/taktsight /opt/taktsight
RUN groupadd --system --gid 990 taktsight \
    && useradd --system --uid 990 --gid taktsight --home-dir /var/lib/taktsight --create-home taktsight
ENV PATH=/opt/taktsight/bin:$PATH PYTHONUNBUFFERED=1
USER taktsight
WORKDIR /var/lib/taktsight
VOLUME /var/lib/taktsight
STOPSIGNAL SIGTERM
ENTRYPOINT ["taktsight"]
CMD ["check"]
