# first
ARG V=1
FROM lbase AS one
LABEL x=y z="q w"
MAINTAINER me
ARG A=b
ARG B
RUN echo one > /one
RUN ["/bin/sh", "-c", "echo two > /two"]
RUN echo $A && \
    # comment
    echo   "three   x" > /three
ENV P=q R="s t"
ENV OLD style value
WORKDIR /w
WORKDIR sub
COPY a /a
COPY a b ./
COPY sub /sub
COPY --chown=1:1 run.sh /run.sh
ADD t.tar /t
ADD a /adda
COPY *.sh /glob/
USER 5:5
VOLUME /vol /vol2
EXPOSE 80 81/udp
STOPSIGNAL SIGQUIT
SHELL ["/bin/sh", "-ec"]
RUN true
HEALTHCHECK --interval=5s CMD wget   -q localhost
ONBUILD COPY a /onb
ONBUILD RUN true
CMD echo hi   there
ENTRYPOINT ["/run.sh", "x"]
