# An image with only the binary and the libraries that it links: no shell, no package manager.

# The manifests of the crates without their sources.
FROM rust:1.95.0-slim-bookworm AS manifests
COPY crates /crates
RUN find /crates -type f ! -name Cargo.toml -delete && find /crates -type d -empty -delete

FROM rust:1.95.0-slim-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential ca-certificates libssl-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
# A failing part of a pipe fails its step.
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /src
# docker build --build-arg FEATURES=kafka-tls: TLS and logins for Kafka.
ARG FEATURES=

# Only the dependencies: this layer is cached until a manifest or Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY benches benches
COPY --from=manifests /crates crates
RUN mkdir src \
    && echo 'fn main() {}' >src/main.rs \
    && touch src/lib.rs \
    && for crate in crates/*; do mkdir "$crate/src" && touch "$crate/src/lib.rs"; done \
    && cargo build --release --locked --features "$FEATURES" \
    && rm -r src crates

COPY askama.toml i18n.toml ./
COPY crates crates
COPY i18n i18n
COPY proto proto
COPY src src
COPY templates templates
COPY static static
# Makes the sources newer than the placeholder build of the dependencies.
RUN find src crates -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --features "$FEATURES" --bin jornada

COPY campaigns /root-of-image/campaigns
COPY ops/probe.toml /root-of-image/campaigns/
RUN install -D target/release/jornada /root-of-image/jornada \
    && ldd target/release/jornada | grep -o '/[^ ]*' | xargs cp --parents --dereference --target-directory=/root-of-image \
    && install -D /etc/ssl/certs/ca-certificates.crt /root-of-image/etc/ssl/certs/ca-certificates.crt \
    && install -d --mode=1777 /root-of-image/tmp \
    && install -d --owner=65532 --group=65532 /root-of-image/data

FROM scratch
COPY --from=build /root-of-image /
USER 65532:65532
WORKDIR /
ENV JORNADA_LISTEN=0.0.0.0:4000 \
    JORNADA_GRPC_LISTEN=0.0.0.0:4050 \
    JORNADA_OPS_LISTEN=0.0.0.0:4100 \
    JORNADA_LOG_FORMAT=json
EXPOSE 4000 4050 4100
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=10s --start-period=11m --retries=3 CMD ["/jornada", "health"]
ENTRYPOINT ["/jornada"]
CMD ["serve"]
