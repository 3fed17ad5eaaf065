FROM lbase AS one
COPY a /one
ONBUILD COPY b /trig
RUN true
FROM lbase AS other
RUN echo o > /o
FROM one
COPY --from=other /o /o
COPY --from=0 /one /one1
WORKDIR /
USER root
CMD ["/bin/sh"]
HEALTHCHECK NONE
ENTRYPOINT run me
