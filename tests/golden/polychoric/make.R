# Goldens for thresholds, polychoric, tetrachoric and polyserial correlations and their asymptotic covariance.
# Run in this folder: Rscript make.R
suppressMessages({library(lavaan); library(psych); library(jsonlite)})
set.seed(20240311)
n <- 400
cut5 <- function(z, at) as.integer(cut(z, c(-Inf, at, Inf)))
f <- rnorm(n)
z <- sapply(c(.8, .7, .6, .5, .75, .65), function(l) l * f + sqrt(1 - l^2) * rnorm(n))
five <- apply(z, 2, cut5, at = c(-1.5, -.5, .4, 1.2))
skew <- apply(z, 2, cut5, at = c(.6, 1.2, 1.8, 2.2))[, 1:5]
three <- apply(z, 2, cut5, at = c(-.9, .8))
binary <- apply(z, 2, cut5, at = .4)
holes <- five; holes[sample(length(holes), 300)] <- NA
reversed <- five; reversed[, 2] <- 6L - reversed[, 2]
near <- cbind(five[, 1:4], ifelse(runif(n) < .02, sample(1:5, n, TRUE), five[, 1]))
uneven <- cbind(binary[, 1:2], three[, 3:4], five[, 5:6])
mixed <- cbind(round(z[, 1:2], 6), five[, 3:4], binary[, 5], three[, 6])
rare <- cbind(c(rep(1, 40), rep(2, 50)), c(rep(1, 60), rep(2, 30)))
sets <- list(five = five, skew = skew, three = three, binary = binary, holes = holes, reversed = reversed,
             near = near, uneven = uneven, rare = rare)
by_row <- function(m) t(m)[upper.tri(m)]
out <- list()
for (name in c(names(sets), "mixed")) {
  x <- as.data.frame(if (name == "mixed") mixed else sets[[name]])
  names(x) <- paste0("v", seq_along(x))
  write.csv(x, paste0(name, ".csv"), row.names = FALSE, na = "")
  ordered <- if (name == "mixed") names(x)[3:6] else names(x)
  args <- list(x, ordered = ordered, missing = if (anyNA(x)) "pairwise" else "listwise", output = "fit", se = "robust.sem")
  fit <- suppressWarnings(do.call(lavCor, args))
  R <- lavInspect(fit, "sampstat")$cov
  S <- unclass(R)
  gamma <- unclass(lavInspect(fit, "gamma"))
  rho <- cov2cor(S)
  entry <- list(rho = by_row(rho), thresholds = as.list(lavInspect(fit, "sampstat")$th), gamma_names = rownames(gamma),
                n = nrow(x))
  if (name %in% c("three", "holes", "uneven")) entry$gamma <- gamma
  entry$gamma_diagonal <- diag(gamma)
  if (name == "binary" || name == "rare") entry$psych <- by_row(suppressWarnings(tetrachoric(x)$rho))
  else if (name != "mixed") entry$psych <- by_row(suppressWarnings(polychoric(x, smooth = FALSE, correct = 0)$rho))
  if (name == "mixed") {
    # lavaan's parameters are variances and covariances of the continuous variables; correlations by the delta method
    s <- diag(S); k <- length(s); J <- NULL
    for (i in 2:k) for (j in 1:(i - 1)) {
      row <- setNames(numeric(nrow(gamma)), rownames(gamma))
      row[paste0("v", j, "~~v", i)] <- 1 / sqrt(s[i] * s[j])
      for (v in c(i, j)) if (v < 3) row[paste0("v", v, "~~v", v)] <- -rho[i, j] / (2 * s[v])
      J <- rbind(J, row)
    }
    entry$rho_se <- sqrt(diag(J %*% gamma %*% t(J)) / nrow(x))
  }
  out[[name]] <- entry
}
bad <- matrix(c(1, .9, .2, .4, .9, 1, .9, .1, .2, .9, 1, -.5, .4, .1, -.5, 1), 4)
out$smooth <- list(matrix = bad, smoothed = unname(suppressWarnings(cor.smooth(bad))))
write_json(out, "golden.json", digits = 12, auto_unbox = TRUE, pretty = FALSE)
writeLines(c(R.version.string, paste("lavaan", packageVersion("lavaan")), paste("psych", packageVersion("psych")),
             paste("mnormt", packageVersion("mnormt"))), "VERSIONS")
