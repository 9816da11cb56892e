# SPDX-License-Identifier: Apache-2.0
# The image of controlcored; how it is used is in docs/deploy/docker.md.
#
#   docker build -t controlcored .                          the daemon
#   docker build -t controlcored:full --target full .       with PostgreSQL and Redis, to look at it
ARG DEBIAN=bookworm

FROM debian:${DEBIAN}-slim AS build
WORKDIR /src
COPY cmake/packages.sh cmake/
RUN cmake/packages.sh build
COPY . .
# What the program needs is found by dpkg-shlibdeps, as for the Debian package.
RUN cmake --preset release -DCC_STATIC_ARCHIVE=ON \
	&& cmake --build --preset release \
	&& DESTDIR=/image cmake --install build/release --prefix /usr --strip \
	&& (cd build/release && cpack -G DEB) \
	&& dpkg-deb -f build/release/controlcored_*.deb Depends >/image/depends

FROM debian:${DEBIAN}-slim AS controlcored
COPY --from=build /image/depends /tmp/depends
RUN apt-get update \
	&& apt-get satisfy -y --no-install-recommends "$(cat /tmp/depends)" \
	&& apt-get clean \
	&& rm -rf /tmp/depends /var/lib/apt/lists/* /var/cache/debconf/* /var/cache/ldconfig/* /var/log/* \
	&& useradd --system --uid 10001 --user-group --home-dir /var/lib/controlcored --no-create-home \
		--shell /usr/sbin/nologin controlcored \
	&& install -d -m 0700 -o controlcored -g controlcored /var/lib/controlcored /run/controlcored
COPY --from=build /image/usr/bin/controlcored /usr/bin/
COPY --from=build /image/usr/share/doc/controlcored/LICENSE /image/usr/share/doc/controlcored/controlcored.example.conf \
	/image/usr/share/doc/controlcored/plans.conf /usr/share/doc/controlcored/
# libarchive is inside of the program.
COPY --from=build /usr/share/doc/libarchive-dev/copyright /usr/share/doc/controlcored/copyright.libarchive
COPY config/container/healthy /usr/bin/
USER 10001:10001
# The journal of what tenants use (server.state_dir): the only thing that a node keeps of its own.
VOLUME /var/lib/controlcored
EXPOSE 8082 8443
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=4s --start-period=60s --retries=3 CMD ["/usr/bin/healthy"]
ENTRYPOINT ["/usr/bin/controlcored"]
CMD ["serve"]

FROM controlcored AS full
USER 0:0
COPY cmake/packages.sh /tmp/
RUN /tmp/packages.sh servers \
	&& apt-get clean \
	&& rm -rf /tmp/packages.sh /var/lib/apt/lists/* /var/cache/debconf/* /var/log/*
USER 10001:10001
CMD ["serve", "--embedded", "/var/lib/controlcored"]

# What is built when no target is named.
FROM controlcored
