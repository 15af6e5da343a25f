# A Jetson Orin with JetPack 6.1 to 6.2.2: TensorRT of the image, through the image's Python 3.10. No torch.
#   pip wheel --no-deps --wheel-dir dist . && docker build -f deploy/jetson.Dockerfile -t taktsight-jetson .
# Default: NVIDIA's image of JetPack 6.1 (L4T 36.4), which the later 36.x run as well. It must be of the board's
# own L4T series: the driver comes from the board, the libraries from the image.
ARG BASE=nvcr.io/nvidia/l4t-jetpack:r36.4.0
FROM ${BASE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv python3-libnvinfer \
    && rm -rf /var/lib/apt/lists/*
COPY dist/taktsight-*.whl /build/
# The system's packages stay visible: TensorRT's bindings are among them, and they are for its Python alone.
RUN /usr/bin/python3 -m venv --system-site-packages /opt/taktsight \
    && wheel="$(ls /build/taktsight-*.whl)" \
    && /opt/taktsight/bin/pip install --no-cache-dir "${wheel}[line]" \
    && /opt/taktsight/bin/python -c "import tensorrt" \
    && rm -rf /build
RUN groupadd --system --gid 990 taktsight \
    && useradd --system --uid 990 --gid taktsight --groups video --home-dir /var/lib/taktsight --create-home taktsight \
    && install --directory --owner taktsight --group taktsight /var/cache/taktsight
ENV PATH=/opt/taktsight/bin:$PATH PYTHONUNBUFFERED=1
USER taktsight
WORKDIR /var/lib/taktsight
# Records, and the engines that were built on this board: backend.cache must lie below the second.
VOLUME /var/lib/taktsight /var/cache/taktsight
STOPSIGNAL SIGTERM
ENTRYPOINT ["taktsight"]
CMD ["check"]
