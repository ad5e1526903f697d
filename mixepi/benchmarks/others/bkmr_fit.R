# Fit one BKMR with R's bkmr: see benchmarks/rivals.py. Arguments: folder, family, warmup, draws, resamples.
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
family <- arguments[2]
warmup <- as.integer(arguments[3])
draws <- as.integer(arguments[4])
data <- read.csv(file.path(folder, "data.csv"))
Z <- as.matrix(data[, grep("^z", names(data))])
X <- as.matrix(data[, grep("^x", names(data))])
fit_chain <- function(chain, y = data$y, family = "gaussian", Z = get("Z", globalenv()), iter = warmup + draws, ...) {
  set.seed(chain)
  suppressMessages(bkmr::kmbayes(y = y, Z = Z, X = X, iter = iter, family = family, varsel = TRUE, verbose = FALSE, ...))
}
started <- proc.time()[["elapsed"]]
chains <- lapply(1:4, fit_chain, family = family)
seconds <- proc.time()[["elapsed"]] - started
kept <- warmup + seq_len(draws)
long <- function(name, chain, values) data.frame(parameter = name, chain = chain, draw = seq_len(draws), value = values)
tables <- list()
for (chain in 1:4) {
  fit <- chains[[chain]]
  tables[[length(tables) + 1]] <- long("lambda", chain, as.matrix(fit$lambda)[kept, 1])
  if (family == "gaussian") tables[[length(tables) + 1]] <- long("sigma2", chain, as.vector(fit$sigsq.eps)[kept])
  for (j in seq_len(ncol(Z))) {
    tables[[length(tables) + 1]] <- long(sprintf("delta[z%d]", j - 1L), chain, fit$delta[kept, j])
    tables[[length(tables) + 1]] <- long(sprintf("r[z%d]", j - 1L), chain, fit$r[kept, j])
  }
}
write.csv(do.call(rbind, tables), file.path(folder, "draws.csv"), row.names = FALSE)
asked <- function(try) tryCatch({ try; "accepted" }, error = function(e) strsplit(conditionMessage(e), "\n")[[1]][1])
gap <- Z
gap[1, 1] <- NA
refusals <- c(
  "binary outcome" = asked(fit_chain(1, y = as.numeric(data$y > median(data$y)), family = "binomial", iter = 20)),
  "missing values" = asked(fit_chain(1, Z = gap, iter = 20)),
  "survey weights" = asked(fit_chain(1, iter = 20, weights = rep(1, nrow(Z))))
)
quoted <- function(text) paste0('"', gsub('(["\\\\])', "\\\\\\1", text), '"')
pairs <- paste(quoted(names(refusals)), quoted(refusals), sep = ": ", collapse = ", ")
writeLines(sprintf('{"seconds": %.6f, "refusals": {%s}}', seconds, pairs), file.path(folder, "answer.json"))
