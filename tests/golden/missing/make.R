# Goldens of missing answers: EM moments (lavaan), Little's MCAR test, Rubin's rules with Barnard-Rubin df (mice), and
# estimates pooled over multiple imputations (mice). Run here: Rscript make.R
suppressPackageStartupMessages({library(lavaan); library(mice); library(psych); library(jsonlite)})
save <- function(x, name) write_json(x, name, digits = I(17), auto_unbox = TRUE, pretty = TRUE, na = "null")

# --- EM moments and Little (1988), his test written out over lavaan's saturated moments
little <- function(data) {
  x <- as.matrix(data)
  model <- paste("f =~", paste(colnames(x), collapse = "+"))
  fit <- cfa(model, data, missing = "ml", em.h1.tol = 1e-14, em.h1.iter.max = 100000L, se = "none", do.fit = FALSE)
  h1 <- lavInspect(fit, "sampstat"); mu <- as.vector(h1$mean); sigma <- matrix(as.vector(h1$cov), ncol(x))
  seen <- !is.na(x); x <- x[rowSums(seen) > 0, ]; seen <- seen[rowSums(seen) > 0, ]
  statistic <- 0; df <- -ncol(x)
  for (kind in unique(apply(seen, 1, paste, collapse = ""))) {
    rows <- which(apply(seen, 1, paste, collapse = "") == kind); o <- which(seen[rows[1], ])
    apart <- colMeans(x[rows, o, drop = FALSE]) - mu[o]
    statistic <- statistic + length(rows) * drop(t(apart) %*% solve(sigma[o, o]) %*% apart); df <- df + length(o)
  }
  list(mean = mu, cov = sigma, statistic = statistic, df = df, p = pchisq(statistic, df, lower.tail = FALSE))
}
holes <- head(bfi[, c(paste0("C", 1:5), paste0("N", 1:5))], 1000)
write.csv(holes, "bfi_holes.csv", row.names = FALSE, na = "")
write.csv(airquality, "airquality.csv", row.names = FALSE, na = "")

# --- Rubin's rules
set.seed(7)
pools <- lapply(list(c(20, Inf), c(20, 95), c(5, 12), c(40, 600)), function(s) {
  q <- rnorm(s[1], 3, 0.1); u <- rchisq(s[1], 30) / 3000
  p <- pool.scalar(q, u, n = s[2] + 1, k = 1)
  list(q = q, u = u, df_complete = if (is.finite(s[2])) s[2] else NULL, estimate = p$qbar, se = sqrt(p$t), df = p$df,
       riv = p$r, fmi = p$fmi)
})

# --- imputation: six five-point items of one trait in 60 units, missing at random given item 6 and the unit
set.seed(11)
units <- 60; n <- 900
unit <- sample(units, n, TRUE); between <- rnorm(units, 0, 0.5)
trait <- between[unit] + rnorm(n)
items <- sapply(1:6, function(j) as.integer(cut(0.8 * trait + rnorm(n, 0, 0.7), c(-Inf, -1.4, -0.5, 0.3, 1.3, Inf))))
colnames(items) <- paste0("x", 1:6)
drop <- sapply(1:5, function(j) runif(n) < plogis(-2.0 + 0.55 * (items[, 6] - 3)))
items[, 1:5][drop] <- NA
data <- data.frame(unit = unit, items)
write.csv(data, "impute.csv", row.names = FALSE, na = "")
estimates <- function(d) {
  score <- rowMeans(d[, paste0("x", 1:6)])
  slope <- summary(lm(x1 ~ x2, d))$coefficients[2, 1:2]
  list(q = c(sapply(1:6, function(j) mean(d[, j])), mean(score), slope[1]),
       u = c(sapply(1:6, function(j) var(d[, j]) / n), var(score) / n, slope[2]^2))
}
pooled <- function(imp) {
  each <- lapply(1:imp$m, function(i) estimates(complete(imp, i)[, paste0("x", 1:6)]))
  q <- sapply(each, `[[`, "q"); u <- sapply(each, `[[`, "u")
  list(estimate = rowMeans(q), se = sqrt(rowMeans(u) + (1 + 1 / imp$m) * apply(q, 1, var)),
       monte_carlo = sqrt(apply(q, 1, var) / imp$m))
}
terms <- c(paste0("mean_x", 1:6), "mean_score", "slope_x1_x2")
pmm <- mice(data[, -1], m = 100, maxit = 20, method = "pmm", printFlag = FALSE, seed = 1)
ordered <- data[, -1]; ordered[, 1:5] <- lapply(ordered[, 1:5], factor, ordered = TRUE)
polr <- mice(ordered, m = 40, maxit = 10, method = c(rep("polr", 5), ""), printFlag = FALSE, seed = 2)
numeric_again <- function(d) as.data.frame(lapply(d, as.integer))
each <- lapply(1:polr$m, function(i) estimates(numeric_again(complete(polr, i))))
q <- sapply(each, `[[`, "q")
polr_pooled <- list(estimate = rowMeans(q), monte_carlo = sqrt(apply(q, 1, var) / polr$m))
# with units: random intercepts and unit means of the predictors (mice's 2l.lmer, normal draws)
predict <- make.predictorMatrix(data); predict[, "unit"] <- -2; predict["unit", ] <- 0
predict[paste0("x", 1:5), paste0("x", 1:6)] <- 3; diag(predict) <- 0
two <- mice(data, m = 40, maxit = 10, method = c("", rep("2l.lmer", 5), ""), predictorMatrix = predict,
            printFlag = FALSE, seed = 3)
icc <- function(score, unit) { s <- summary(aov(score ~ factor(unit)))[[1]]; k <- length(score) / length(unique(unit))
  (s[1, 3] - s[2, 3]) / (s[1, 3] + (k - 1) * s[2, 3]) }
iccs <- sapply(1:two$m, function(i) { d <- complete(two, i); icc(rowMeans(d[, -1]), d$unit) })
flat <- sapply(1:40, function(i) icc(rowMeans(complete(pmm, i)), data$unit))
save(list(bfi = little(holes), airquality = little(airquality), pools = pools, terms = terms, pmm = pooled(pmm),
          polr = polr_pooled, two_level = c(pooled(two), list(icc = mean(iccs), icc_mc = sd(iccs) / sqrt(two$m),
          icc_flat = mean(flat)))), "golden.json")
writeLines(c(R.version.string, sapply(c("lavaan", "mice", "lme4", "psych", "jsonlite"),
                                      function(p) paste(p, packageVersion(p)))), "VERSIONS")
