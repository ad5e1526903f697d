# `make demo` in a container, by an ordinary user.
#
#   docker build --tag nhanes-bone .
#   docker run --name nhanes-demo nhanes-bone
#   docker cp --follow-link nhanes-demo:/home/study/nhanes-bone/results results-of-the-demo
#
# No image was built: CI has no container engine. `make setup` and `make demo` were run on Debian 12 as they are here, by
# an ordinary user with an empty home, with bash, coreutils, column, git, grep, make, python3 and sed alone on the PATH.
FROM python:3.11-slim

# column, which `make` alone lists its verbs with, is in bsdextrautils.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends bsdextrautils git make \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home study \
    && install --directory --owner study --group study /home/study/nhanes-bone
USER study
WORKDIR /home/study/nhanes-bone

COPY --chown=study:study . .
RUN make setup

CMD ["make", "demo"]
