# Goldens for confirmatory factor analysis: maximum likelihood, robust, with missing answers, by group, by cluster.
# Run in this folder: Rscript make.R
suppressMessages({library(lavaan); library(semTools); library(jsonlite)})
set.seed(20240611)
tight <- function(tol) list(rel.tol = tol, eval.max = 20000, iter.max = 10000)  # as tight as nlminb can be asked to be

hs <- HolzingerSwineford1939
write.csv(hs, "holzinger.csv", row.names = FALSE)
holes <- hs
for (j in 2:9) {  # missing at random: the older the child, the likelier a hole; x1 is complete
  p <- plogis(-3 + 1.2 * (hs$x1 - mean(hs$x1)) * (j %% 2) + .8 * (hs$ageyr - 13) * (j %% 3 == 0))
  holes[[paste0("x", j)]][runif(nrow(hs)) < p] <- NA
}
holes <- holes[, c("school", paste0("x", 1:9))]
holes[5, paste0("x", 1:9)] <- NA
write.csv(holes, "holes.csv", row.names = FALSE, na = "")

n <- 700  # skewed answers to twelve items: a general factor and three specific ones
g <- rnorm(n); s <- matrix(rnorm(n * 3), n)
bif <- sapply(1:12, function(i) .6 * g + c(.5, .4, .6, .45)[(i - 1) %% 4 + 1] * s[, (i - 1) %/% 4 + 1] + .6 * (rexp(n) - 1))
bif <- as.data.frame(round(bif, 4)); names(bif) <- paste0("y", 1:12)
write.csv(bif, "bifactor.csv", row.names = FALSE)

sizes <- c(1, 2, 30, 45, sample(4:20, 46, replace = TRUE))  # people within units, very unequal units, a unit of one
unit <- rep(seq_along(sizes), sizes); m <- length(unit)
b <- matrix(rnorm(50 * 2, sd = .6), 50)
f <- matrix(rnorm(m * 2), m) %*% chol(matrix(c(1, .4, .4, 1), 2)) + b[unit, ]
items <- sapply(1:6, function(i) .7 * f[, (i - 1) %/% 3 + 1] + rnorm(50, sd = .3)[unit] + .7 * rnorm(m))
clustered <- data.frame(unit = sprintf("u%02d", unit), role = rep_len(c("nurse", "physician"), m),
                        type = c("ward", "icu")[unit %% 2 + 1], round(items, 4))
names(clustered)[4:9] <- paste0("y", 1:6)
write.csv(clustered, "clustered.csv", row.names = FALSE)
punched <- clustered
for (j in 5:9) punched[runif(m) < .12, j] <- NA
write.csv(punched, "clustered_holes.csv", row.names = FALSE, na = "")

three <- "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
marker <- paste0(three, "\nx1 ~ c(i1, i1)*1\nx4 ~ c(i4, i4)*1\nx7 ~ c(i7, i7)*1",
                 "\nvisual ~ c(0, NA)*1\ntextual ~ c(0, NA)*1\nspeed ~ c(0, NA)*1")
two <- "f =~ y1 + y2 + y3\ng =~ y4 + y5 + y6"
general <- paste0("g =~ ", paste0("y", 1:12, collapse = " + "),
                  "\ns1 =~ y1 + y2 + y3 + y4\ns2 =~ y5 + y6 + y7 + y8\ns3 =~ y9 + y10 + y11 + y12")
scalar <- c("loadings", "intercepts")
models <- list(
  ml = list(three, "hs"),
  std_lv = list(three, "hs", std.lv = TRUE),
  equalities = list("visual =~ x1 + a*x2 + a*x3\ntextual =~ x4 + 1.1*x5 + x6\nspeed =~ NA*x7 + x8 + x9\nspeed ~~ 1*speed\nx7 ~~ x8\nx4 ~~ b*x4\nx5 ~~ b*x5", "hs"),
  second = list(paste0(three, "\ng =~ visual + textual + speed"), "hs"),
  second_mlr = list(paste0(three, "\ng =~ a*visual + a*textual + speed"), "hs", estimator = "MLR"),
  mimic = list(paste0(three, "\nvisual ~ ageyr + sex\ntextual ~ ageyr + visual"), "hs"),
  means = list(paste0(three, "\nx1 ~ 1"), "hs"),
  bifactor = list(general, "bif", std.lv = TRUE, orthogonal = TRUE),
  bifactor_mlr = list(general, "bif", std.lv = TRUE, orthogonal = TRUE, estimator = "MLR"),
  mlr = list(three, "hs", estimator = "MLR"),
  configural = list(three, "hs", group = "school"),
  metric = list(three, "hs", group = "school", group.equal = "loadings"),
  scalar = list(three, "hs", group = "school", group.equal = scalar),
  strict = list(three, "hs", group = "school", group.equal = c(scalar, "residuals")),
  partial = list(three, "hs", group = "school", group.equal = scalar, group.partial = c("x3~1", "visual=~x2")),
  configural_mlr = list(three, "hs", group = "school", estimator = "MLR"),
  metric_mlr = list(three, "hs", group = "school", group.equal = "loadings", estimator = "MLR"),
  scalar_mlr = list(three, "hs", group = "school", group.equal = scalar, estimator = "MLR"),
  strict_mlr = list(three, "hs", group = "school", group.equal = c(scalar, "residuals"), estimator = "MLR"),
  marker_mlr = list(marker, "hs", group = "school", group.equal = "loadings", estimator = "MLR"),
  std_lv_metric = list(three, "hs", group = "school", group.equal = "loadings", std.lv = TRUE),
  fiml = list(three, "holes", missing = "ml"),
  fiml_mlr = list(three, "holes", missing = "ml", estimator = "MLR"),
  fiml_scalar_mlr = list(three, "holes", missing = "ml", estimator = "MLR", group = "school", group.equal = scalar),
  fiml_scalar = list(three, "holes", missing = "ml", group = "school", group.equal = scalar),
  listwise = list(three, "holes"),
  cluster = list(two, "clustered", estimator = "MLR", cluster = "unit"),
  cluster_group = list(two, "clustered", estimator = "MLR", cluster = "unit", group = "type", group.equal = "loadings"),
  cluster_fiml = list(two, "clustered_holes", estimator = "MLR", cluster = "unit", missing = "ml"))
data <- list(hs = hs, holes = holes, bif = bif, clustered = clustered, clustered_holes = punched)

out <- list(); fits <- list()
for (name in names(models)) {
  args <- models[[name]]
  for (tol in c(1e-14, 1e-13, 1e-12, 1e-11, 1e-10)) {
    call <- c(list(model = args[[1]], data = data[[args[[2]]]], control = tight(tol)), args[-(1:2)])
    fit <- suppressWarnings(do.call("cfa", call)); fits[[name]] <- fit
    if (lavInspect(fit, "converged")) break
  }
  cat(name, tol, max(abs(lavInspect(fit, "gradient"))), "\n")
  stopifnot(lavInspect(fit, "converged"))
  est <- parameterEstimates(fit, standardized = TRUE, remove.nonfree = FALSE)
  one <- list(model = args[[1]], data = args[[2]], options = args[-(1:2)],
              fit = as.list(unclass(fitMeasures(fit))), parameters = est)
  if (!grepl("mimic", name)) {
    sco <- lavPredict(fit)
    one$scores <- if (is.list(sco)) NULL else head(unclass(unname(as.matrix(sco))), 20)
  }
  out[[name]] <- one
}
for (name in c("ml", "equalities", "configural", "metric", "scalar", "bifactor", "second"))
  out[[name]]$modification <- as.data.frame(unclass(modindices(fits[[name]])))
for (name in c("ml", "equalities", "bifactor", "scalar")) {
  r <- suppressWarnings(reliability(fits[[name]]))
  out[[name]]$reliability <- if (is.list(r)) lapply(r, function(v) as.list(as.data.frame(v))) else as.list(as.data.frame(r))
  out[[name]]$reliability_rows <- rownames(if (is.list(r)) r[[1]] else r)
}
out$ml$htmt <- unclass(htmt(three, hs, htmt2 = FALSE)); out$ml$htmt2 <- unclass(htmt(three, hs, htmt2 = TRUE))
out$ml$residual_cor <- unclass(residuals(fits$ml, type = "cor")$cov)
out$ml$bartlett <- head(unclass(unname(lavPredict(fits$ml, method = "Bartlett"))), 20)
steps <- list()
for (pair in list(c("configural", "metric"), c("metric", "scalar"), c("scalar", "strict"))) {
  key <- paste(pair, collapse = "-"); robust <- paste0(pair, "_mlr")
  row <- function(x) { d <- as.data.frame(x); unname(unlist(d[2, grep("Chisq diff|Df diff|Pr", names(d))])) }
  steps[[key]] <- list(
    ml = row(lavTestLRT(fits[[pair[1]]], fits[[pair[2]]])),
    sb2001 = row(lavTestLRT(fits[[robust[1]]], fits[[robust[2]]], method = "satorra.bentler.2001")),
    sb2010 = row(lavTestLRT(fits[[robust[1]]], fits[[robust[2]]], method = "satorra.bentler.2010")))
}
# the metric model scaled by intercepts of markers: what the scaled difference of 2010 then is
d <- as.data.frame(lavTestLRT(fits$marker_mlr, fits$scalar_mlr, method = "satorra.bentler.2010"))
out$marker_mlr$sb2010 <- unname(unlist(d[2, grep("Chisq diff|Df diff|Pr", names(d))]))
out$steps <- steps
write_json(out, "golden.json", digits = NA, auto_unbox = TRUE, na = "null", dataframe = "columns")
writeLines(c(R.version.string, paste("lavaan", packageVersion("lavaan")), paste("semTools", packageVersion("semTools"))), "VERSIONS")
