# Goldens for confirmatory factor analysis of ordered answers: WLSMV in one group and two, with holes, and the ladder of
# Wu & Estabrook (2016). Run in this folder: Rscript make.R
suppressMessages({library(lavaan); library(semTools); library(jsonlite)})
set.seed(20240612)

answers <- function(n, each, factors, cuts, shift = 0) {  # a general and three specific factors make correlated ones
  g <- rnorm(n); f <- sqrt(.4) * g + sqrt(.6) * matrix(rnorm(n * factors), n) + shift
  load <- rep_len(c(.8, .7, .6, .75), each)
  x <- sapply(seq_len(each * factors), function(j) {
    k <- (j - 1) %/% each + 1; l <- load[(j - 1) %% each + 1]
    findInterval(l * f[, k] + sqrt(1 - l^2) * rnorm(n), cuts + .1 * ((j - 1) %% 3)) + 1 })
  x <- as.data.frame(x); names(x) <- paste0("y", seq_len(each * factors)); x
}
deep <- c(-1.5, -.6, .3, 1.2); flat <- c(-.7, .6)
five <- cbind(role = rep(c("nurse", "physician"), c(450, 350)),
              rbind(answers(450, 4, 3, deep), answers(350, 4, 3, deep, .3)))
five$y2[five$role == "physician"] <- pmin(five$y2[five$role == "physician"] + rbinom(350, 1, .2), 5)
three <- cbind(role = rep(c("nurse", "physician"), c(400, 320)),
               rbind(answers(400, 4, 2, flat), answers(320, 4, 2, flat, .25)))
holes <- five
for (j in 3:13) holes[runif(800) < .04 + .06 * (j %% 3 == 0), j] <- NA
for (name in c("five", "three", "holes")) write.csv(get(name), paste0(name, ".csv"), row.names = FALSE, na = "")

line <- function(f, from, to) paste0(f, " =~ ", paste0("y", from:to, collapse = " + "))
cfa3 <- paste(line("a", 1, 4), line("b", 5, 8), line("c", 9, 12), sep = "\n")
cfa2 <- paste(line("a", 1, 4), line("b", 5, 8), sep = "\n")
tau <- "\ny1 | t*t1 + t2 + t3 + t4\ny2 | t*t1 + t2 + 0.4*t3 + t4"
general <- paste0(line("g", 1, 12), "\n", cfa3)
models <- list(
  five = list(cfa3, "five"), three = list(cfa2, "three"),
  std_lv = list(cfa3, "five", std.lv = TRUE), theta = list(cfa3, "five", parameterization = "theta"),
  equalities = list("a =~ y1 + e*y2 + e*y3 + y4\nb =~ y5 + 0.9*y6 + y7 + y8\na ~~ v*a\nb ~~ v*b", "five"),
  residuals = list(paste0(cfa3, "\ny1 ~~ y2\ny5 ~~ r*y9\ny6 ~~ r*y10"), "five"),
  thresholds = list(paste0(cfa3, tau), "five"),
  second = list(paste0(cfa3, "\ng =~ a + b + c"), "five"),
  bifactor = list(general, "five", std.lv = TRUE, orthogonal = TRUE),
  regression = list(paste0(cfa3, "\nc ~ a + b"), "five"),
  listwise = list(cfa3, "holes"), pairwise = list(cfa3, "holes", missing = "pairwise"),
  group = list(cfa3, "five", group = "role"),
  group_loadings = list(cfa3, "five", group = "role", group.equal = "loadings"),
  group_both = list(cfa3, "five", group = "role", group.equal = c("loadings", "thresholds")),
  group_theta = list(cfa3, "five", group = "role", group.equal = c("loadings", "thresholds"), parameterization = "theta"),
  group_partial = list(cfa3, "five", group = "role", group.equal = c("loadings", "thresholds"), group.partial = c("y2|t1", "a=~y3")),
  group_pairwise = list(cfa3, "holes", group = "role", missing = "pairwise"))
data <- list(five = five, three = three, holes = holes)
tight <- list(eval.max = 20000, iter.max = 10000)
fitted <- function(model, frame, ...) {
  items <- grep("^y", names(frame), value = TRUE)
  for (tol in 10^-(10:9)) {  # what nlminb reaches
    fit <- suppressWarnings(cfa(model, frame, ordered = items, estimator = "WLSMV", control = c(tight, rel.tol = tol), ...))
    if (lavInspect(fit, "converged")) break
  }
  cat(tol, max(abs(lavInspect(fit, "gradient"))), "\n"); stopifnot(lavInspect(fit, "converged")); fit
}
numbers <- function(fit) list(
  fit = as.list(unclass(fitMeasures(fit))), parameters = parameterEstimates(fit, standardized = TRUE, remove.nonfree = FALSE))

out <- list(); fits <- list()
for (name in names(models)) {
  cat(name, "")
  args <- models[[name]]
  fits[[name]] <- do.call(fitted, c(list(args[[1]], data[[args[[2]]]]), args[-(1:2)]))
  out[[name]] <- c(list(model = args[[1]], data = args[[2]], options = args[-(1:2)]), numbers(fits[[name]]))
}
for (name in c("five", "residuals", "bifactor", "group_both", "theta"))
  out[[name]]$modification <- as.data.frame(unclass(modindices(fits[[name]])))
for (name in c("five", "three", "equalities", "bifactor", "group_both")) {
  r <- suppressWarnings(reliability(fits[[name]]))
  out[[name]]$reliability <- if (is.list(r)) lapply(r, function(v) as.list(as.data.frame(v))) else as.list(as.data.frame(r))
  out[[name]]$reliability_rows <- rownames(if (is.list(r)) r[[1]] else r)
}
for (name in c("five", "three", "residuals", "second", "theta"))
  out[[name]]$scores <- head(unclass(unname(as.matrix(lavPredict(fits[[name]])))), 15)
out$five$residual_cor <- unclass(residuals(fits$five, type = "cor")$cov)

steps <- list(configural = character(), thresholds = "thresholds", loadings = c("thresholds", "loadings"),
              intercepts = c("thresholds", "loadings", "intercepts"),
              residuals = c("thresholds", "loadings", "intercepts", "residuals"))
ladder <- function(model, frame, partial = character()) {
  found <- list()
  for (step in names(steps)) {
    items <- grep("^y", names(frame), value = TRUE)
    args <- list(configural.model = model, data = frame, ordered = items, parameterization = "theta", ID.fac = "std.lv",
                 ID.cat = "Wu.Estabrook.2016", group = "role", group.equal = if (length(steps[[step]])) steps[[step]] else "")
    if (length(partial) && step != "configural") args$group.partial <- partial
    syntax <- as.character(do.call(measEq.syntax, args))
    cat("ladder", step, "")
    found[[step]] <- fitted(syntax, frame, group = "role", parameterization = "theta")
  }
  rows <- lapply(found, numbers)
  for (i in 2:length(found)) {
    d <- try(as.data.frame(lavTestLRT(found[[i - 1]], found[[i]])))
    rows[[i]]$difference <- if (inherits(d, "try-error")) NULL else unname(unlist(d[2, grep("Chisq diff|Df diff|Pr", names(d))]))
  }
  d <- as.data.frame(lavTestLRT(found$configural, found$loadings))
  rows$joint <- unname(unlist(d[2, grep("Chisq diff|Df diff|Pr", names(d))]))
  rows
}
out$ladders <- list(five = ladder(cfa3, five), three = ladder(cfa2, three),
                    partial = ladder(cfa3, five, c("y2|t1", "y2|t2", "a =~ y3", "y5 ~ 1")))
write_json(out, "golden.json", digits = NA, auto_unbox = TRUE, na = "null", dataframe = "columns")
writeLines(c(R.version.string, paste("lavaan", packageVersion("lavaan")), paste("semTools", packageVersion("semTools"))), "VERSIONS")
