# Fit one quantile g-computation with R's qgcomp: see benchmarks/rivals.py.
# Arguments: folder, family, warmup, draws, resamples.
suppressMessages(library(qgcomp))
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
family <- if (arguments[2] == "gaussian") gaussian() else binomial()
resamples <- as.integer(arguments[5])
data <- read.csv(file.path(folder, "data.csv"))
exposures <- grep("^z", names(data), value = TRUE)
model <- as.formula(paste("y ~", paste(setdiff(names(data), "y"), collapse = " + ")))
closed_form <- function(data, ...) qgcomp.glm.noboot(model, expnms = exposures, data = data, q = 4, family = family, ...)
times <- replicate(5, system.time(closed <<- closed_form(data))[["elapsed"]])
boot_time <- system.time(
  boot <- qgcomp.glm.boot(model, expnms = exposures, data = data, q = 4, family = family, B = resamples, seed = 1)
)[["elapsed"]]
asked <- function(try) tryCatch({ try; "accepted" }, error = function(e) strsplit(conditionMessage(e), "\n")[[1]][1])
gap <- data
gap$z0[1] <- NA
data$weight <- 1 + seq_len(nrow(data)) %% 3
refusals <- c(
  "missing values" = asked(closed_form(gap)),
  "survey weights" = asked(closed_form(data, weights = weight)),
  "weights, strata and PSUs" = asked(closed_form(data, weights = weight, strata = seq_len(nrow(data)) %% 10))
)
quoted <- function(text) paste0('"', gsub('(["\\\\])', "\\\\\\1", text), '"')
pairs <- paste(quoted(names(refusals)), quoted(refusals), sep = ": ", collapse = ", ")
writeLines(
  sprintf(
    paste0('{"seconds": %.6f, "psi": %.10g, "std_error": %.10g, "bootstrap_seconds": %.6f, ',
           '"bootstrap_psi": %.10g, "bootstrap_std_error": %.10g, "refusals": {%s}}'),
    median(times), closed$psi[1], sqrt(closed$var.psi[1]), boot_time, boot$psi[1], sqrt(as.matrix(boot$var.psi)[1, 1]), pairs
  ),
  file.path(folder, "answer.json")
)
