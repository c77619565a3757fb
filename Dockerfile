# A static binary alone, run by nobody, with the data and the keys on volumes of
# their own:
#
#   docker build -t sosie .
#   docker run -p 8080:8080 -v sosie-data:/var/lib/sosie/data -v sosie-keys:/var/lib/sosie/keys \
#     -v ./sosie.yaml:/etc/sosie.yaml:ro -e SOSIE_CONFIG=/etc/sosie.yaml sosie
#   docker exec CONTAINER /sosie segment count seen

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags='-s -w' -o /out/sosie ./cmd/sosie
# The volumes begin as these directories: the program runs as nobody and must
# own them.
RUN install -d -m 0700 /out/data /out/keys

FROM scratch
COPY --from=build /out/sosie /sosie
COPY --from=build --chown=65532:65532 /out/data /var/lib/sosie/data
COPY --from=build --chown=65532:65532 /out/keys /var/lib/sosie/keys
USER 65532:65532
# The authorities by which the alerts' webhook is trusted.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
ENV SOSIE_LISTEN=:8080 SOSIE_DATA_DIR=/var/lib/sosie/data SOSIE_KEYS=/var/lib/sosie/keys
VOLUME ["/var/lib/sosie/data", "/var/lib/sosie/keys"]
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["/sosie", "health"]
# Docker waits ten seconds by default; what was accepted is answered in eight.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/sosie"]
CMD ["serve"]
