# Goldens for two-level factor models: balanced and unbalanced clusters, variables of one level alone.
# Run in this folder: Rscript make.R
# lavaan's EM for the saturated model stops early, so that model is fitted as one, and chi-square is taken from it.
suppressMessages({library(lavaan); library(jsonlite)})
set.seed(20250211)
simulate <- function(sizes) {  # six items of two factors within, one between; a unit of one person; covariates
  unit <- rep(seq_along(sizes), sizes); n <- length(unit); m <- length(sizes)
  w <- rnorm(m); x <- rnorm(n)
  fb <- .4 * w + rnorm(m, sd = .7)
  f <- matrix(rnorm(n * 2), n) %*% chol(matrix(c(1, .4, .4, 1), 2)) + .3 * x
  items <- sapply(1:6, function(i) 3 + .7 * f[, (i - 1) %/% 3 + 1] + c(.8, .6, .7, .5, .9, .6)[i] * fb[unit] +
                    rnorm(m, sd = .35)[unit] + .7 * rnorm(n))
  data.frame(unit = sprintf("u%03d", unit), type = c("ward", "icu")[unit %% 2 + 1],
             setNames(as.data.frame(round(items, 4)), paste0("y", 1:6)), x = round(x, 4), w = round(w, 4)[unit])
}
balanced <- simulate(rep(10, 80)); unbalanced <- simulate(c(1, 1, 2, 35, sample(3:18, 106, replace = TRUE)))
write.csv(balanced, "balanced.csv", row.names = FALSE); write.csv(unbalanced, "unbalanced.csv", row.names = FALSE)
v <- paste0("y", 1:6)
two <- "level: 1\nf =~ y1 + y2 + y3\ng =~ y4 + y5 + y6\nlevel: 2\nb =~ y1 + y2 + y3 + y4 + y5 + y6"
same <- "level: within\nf =~ a*y1 + b*y2 + c*y3\nf ~~ 1*f\nlevel: between\nh =~ a*y1 + b*y2 + c*y3\nh ~~ NA*h\ny1 ~~ 0*y1"
covariates <- paste0(sub("level: 2", "f ~ x\nlevel: 2", two), "\nb ~ w")
every <- function(v) paste(outer(v, v, function(a, b) paste(a, "~~", b))[upper.tri(diag(length(v)), TRUE)], collapse = "\n")
models <- list(
  balanced = list(two, "balanced", within = v, between = v),
  unbalanced = list(two, "unbalanced", within = v, between = v),
  std_lv = list(two, "unbalanced", within = v, between = v, std.lv = TRUE),
  same_loadings = list(same, "unbalanced", within = v[1:3], between = v[1:3]),
  covariates = list(covariates, "unbalanced", within = c(v, "x"), between = c(v, "w"), fixed.x = FALSE))
tight <- list(rel.tol = 1e-14, eval.max = 20000, iter.max = 10000)
run <- function(model, name, ...) {
  for (tol in c(1e-14, 1e-13, 1e-12, 1e-11, 1e-10)) {
    tight$rel.tol <- tol
    fit <- suppressWarnings(cfa(model, list(balanced = balanced, unbalanced = unbalanced)[[name]], cluster = "unit",
                                control = tight, ...))
    if (lavInspect(fit, "converged")) break
  }
  stopifnot(lavInspect(fit, "converged"))
  fit
}
out <- list()
for (name in names(models)) {
  args <- models[[name]]; more <- args[!names(args) %in% c("", "within", "between")]
  fit <- do.call(run, c(list(args[[1]], args[[2]]), more))
  saturated <- paste0("level: 1\n", every(args$within), "\nlevel: 2\n", every(args$between))
  full <- do.call(run, c(list(saturated, args[[2]]), more[names(more) != "std.lv"]))
  cat(name, "chisq off by", 2 * (as.numeric(logLik(full)) - fitMeasures(fit, "unrestricted.logl")), "\n")
  one <- list(model = args[[1]], data = args[[2]], options = more, saturated = as.numeric(logLik(full)),
              fit = as.list(unclass(fitMeasures(fit))),
              parameters = parameterEstimates(fit, standardized = TRUE, remove.nonfree = FALSE))
  one$icc <- as.list(lavInspect(fit, "icc"))
  one$within <- unclass(lavInspect(full, "implied")$within$cov); one$names <- rownames(one$within)
  one$modification <- tryCatch(as.data.frame(unclass(modindices(fit))), error = function(e) NULL)
  one$scores <- list(within = head(unclass(lavPredict(fit, level = 1)), 30),
                     between = head(unclass(lavPredict(fit, level = 2)), 30))
  out[[name]] <- one
}
write_json(out, "golden.json", digits = NA, auto_unbox = TRUE, na = "null", dataframe = "columns")
writeLines(c(R.version.string, paste("lavaan", packageVersion("lavaan"))), "VERSIONS")
