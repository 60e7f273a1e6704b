# Goldens of omega in its kinds, ordinal alpha, Guttman's bounds, item statistics, weighted kappa. Run here: Rscript make.R
suppressPackageStartupMessages({library(psych); library(lavaan); library(semTools); library(jsonlite)})
save <- function(x, name) write_json(x, name, digits = I(17), auto_unbox = TRUE, pretty = TRUE, na = "null")
keyed <- na.omit(transform(psych::bfi[1:600, paste0("A", 1:5)], A1 = 7 - A1))

# --- data: bfi; skewed three-level items with rare answers; binary items; fifteen items of three factors
set.seed(21)
f <- rnorm(700)
cutter <- function(x, at) as.integer(findInterval(x, at)) + 1L
three <- as.data.frame(sapply(c(.8, .7, .6, .5), function(l) cutter(l * f + sqrt(1 - l^2) * rnorm(700), c(1, 2.1))))
binary <- as.data.frame(sapply(c(.8, .7, .65, .6, .5), function(l) cutter(l * f + sqrt(1 - l^2) * rnorm(700), c(-.4))))
names(three) <- paste0("t", 1:4); names(binary) <- paste0("b", 1:5)
group <- psych::bfi[1:800, c(paste0("A", 2:5), paste0("C", 1:3), paste0("E", 3:5))]
group <- na.omit(group)
for (n in c("keyed", "three", "binary", "group")) write.csv(get(n), paste0(n, ".csv"), row.names = FALSE)

# --- omega total of one factor: lavaan by ML (covariances over n), robust errors of estimator MLM
model_of <- function(x) {
  k <- ncol(x); l <- paste0("l", 1:k); e <- paste0("e", 1:k)
  paste0("f =~ ", paste0(l, "*", names(x), collapse = " + "), "\n",
         paste0(names(x), " ~~ ", e, "*", names(x), collapse = "\n"), "\n",
         "omega := (", paste(l, collapse = "+"), ")^2 / ((", paste(l, collapse = "+"), ")^2 + ", paste(e, collapse = "+"), ")")
}
# nlminb warns when it can no longer improve; the estimates are then as tight as they come
tight <- list(iter.max = 10000, rel.tol = 1e-13)
total <- function(x, estimator) {
  fit <- cfa(model_of(x), x, std.lv = TRUE, estimator = estimator, control = tight, optim.force.converged = TRUE)
  p <- parameterEstimates(fit); o <- p[p$label == "omega", ]
  list(omega = o$est, se = o$se, loadings = p$est[p$op == "=~"], psi = p$est[p$op == "~~" & p$lhs != "f"])
}
one <- list()
for (n in c("keyed", "three")) one[[n]] <- list(ml = total(get(n), "ML"), mlm = total(get(n), "MLM"))
save(one, "total.json")

# --- alpha's distribution-free error: a saturated model, alpha as a defined parameter, errors of estimator MLM
free_alpha <- function(x) {
  v <- names(x); k <- length(v); pairs <- combn(k, 2)
  own <- paste0("v", 1:k); shared <- paste0("c", pairs[1, ], "_", pairs[2, ])
  m <- c(paste0(v, " ~~ ", own, "*", v), paste0(v[pairs[1, ]], " ~~ ", shared, "*", v[pairs[2, ]]),
         paste0("alpha := ", k, "/(", k, "-1) * (1 - (", paste(own, collapse = "+"), ") / (", paste(own, collapse = "+"),
                " + 2*(", paste(shared, collapse = "+"), ")))"))
  p <- parameterEstimates(sem(paste(m, collapse = "\n"), x, estimator = "MLM"))
  list(alpha = p$est[p$label == "alpha"], se = p$se[p$label == "alpha"])
}
save(list(keyed = free_alpha(keyed), three = free_alpha(three), binary = free_alpha(binary)), "alpha_error.json")

# --- categorical omega (Green & Yang 2009): semTools on lavaan's WLSMV fit; ordinal alpha beside it
categorical <- function(x) {
  fit <- cfa(paste("f =~", paste(names(x), collapse = " + ")), x, ordered = names(x), std.lv = TRUE, estimator = "WLSMV", control = tight, optim.force.converged = TRUE)
  s <- lavInspect(fit, "sampstat")
  list(omega = as.numeric(compRelSEM(fit, ord.scale = TRUE)), latent = as.numeric(compRelSEM(fit, ord.scale = FALSE)),
       loadings = as.numeric(lavInspect(fit, "est")$lambda), rho = unname(as.matrix(s$cov)), thresholds = as.numeric(s$th),
       ordinal_alpha = psych::alpha(as.matrix(s$cov), warnings = FALSE)$total$raw_alpha)
}
save(list(keyed = categorical(keyed), three = categorical(three), binary = categorical(binary)), "categorical.json")

# --- hierarchical omega: psych, minres and oblimin, Schmid-Leiman
hierarchical <- function(x, m) {
  o <- suppressWarnings(psych::omega(x, nfactors = m, plot = FALSE, flip = FALSE))
  list(omega_h = o$omega_h, omega_total = o$omega.tot, general = unname(o$schmid$sl[, "g"]), asymptotic = o$omega.lim,
       gloading = unname(as.numeric(o$schmid$gloading)))
}
save(list(group = hierarchical(group, 3)), "hierarchical.json")

# --- Guttman's bounds, item statistics
g <- psych::guttman(cor(keyed)); gc <- psych::guttman(cov(keyed))
d <- psych::describe(keyed, type = 3); d1 <- psych::describe(keyed, type = 1); d2 <- psych::describe(keyed, type = 2)
r <- cor(keyed); v <- cov(keyed)
a <- psych::alpha(keyed, warnings = FALSE)
save(list(lambda2 = g$lambda.2, lambda6 = g$lambda.6, skew3 = d$skew, kurtosis3 = d$kurtosis, skew2 = d2$skew, kurtosis2 = d2$kurtosis,
          skew1 = d1$skew, kurtosis1 = d1$kurtosis, smc = unname(psych::smc(r)),
          r_drop = a$item.stats$r.drop, alpha_drop = a$alpha.drop$raw_alpha), "items.json")

# --- weighted kappa
set.seed(22)
t <- sample(1:3, 120, TRUE, c(.2, .5, .3)); rate <- function() pmin(3, pmax(1, t + sample(c(-1, 0, 1), 120, TRUE, c(.12, .8, .08))))
twice <- data.frame(first = rate(), second = rate())
write.csv(twice, "twice.csv", row.names = FALSE)
k <- psych::cohen.kappa(as.matrix(twice)); w1 <- abs(outer(1:3, 1:3, "-")); kl <- psych::cohen.kappa(as.matrix(twice), w = 1 - w1 / 2)
save(list(unweighted = k$kappa, quadratic = k$weighted.kappa, linear = kl$weighted.kappa,
          se_unweighted = sqrt(k$var.kappa), se_quadratic = sqrt(k$var.weighted), se_linear = sqrt(kl$var.weighted)), "kappa.json")

# --- omega between and within units: lavaan two-level one-factor model
set.seed(23)
size <- sample(4:16, 70, TRUE); unit <- rep(seq_along(size), size)
fb <- rnorm(70, 0, .5)[unit]; fw <- rnorm(length(unit), 0, .8)
two <- as.data.frame(sapply(1:4, function(j) round(c(1, .8, .9, .7)[j] * fb + rnorm(70, 0, .15)[unit] + c(.8, 1, .7, .9)[j] * fw + rnorm(length(unit), 0, .6), 3)))
names(two) <- paste0("x", 1:4); two$unit <- unit
write.csv(two, "two.csv", row.names = FALSE)
level <- function(s) {
  l <- paste0(s, "l", 1:4); e <- paste0(s, "e", 1:4); x <- paste0("x", 1:4)
  c(paste0("f", s, " =~ ", paste0(l, "*", x, collapse = " + ")), paste0(x, " ~~ ", e, "*", x),
    paste0("f", s, " ~~ 1*f", s))
}
defined <- function(s) { l <- paste0(s, "l", 1:4); e <- paste0(s, "e", 1:4)
  paste0("omega", s, " := (", paste(l, collapse = "+"), ")^2 / ((", paste(l, collapse = "+"), ")^2 + ", paste(e, collapse = "+"), ")") }
m <- paste(c("level: 1", level("w"), "level: 2", level("b"), defined("w"), defined("b")), collapse = "\n")
m <- gsub("fw =~ wl1", "fw =~ NA*x1 + wl1", m); m <- gsub("fb =~ bl1", "fb =~ NA*x1 + bl1", m)
fit <- sem(m, two, cluster = "unit", control = tight, optim.force.converged = TRUE)
p <- parameterEstimates(fit)
r <- parameterEstimates(sem(m, two, cluster = "unit", estimator = "MLR", control = tight, optim.force.converged = TRUE))
save(list(within = p$est[p$label == "omegaw"], between = p$est[p$label == "omegab"], se_within = p$se[p$label == "omegaw"],
          se_between = p$se[p$label == "omegab"], loglik = as.numeric(logLik(fit)),
          robust_within = r$se[r$label == "omegaw"], robust_between = r$se[r$label == "omegab"],
          est = p[p$op %in% c("=~", "~~"), c("lhs", "op", "rhs", "level", "est", "se")]), "levels.json")
# --- omega from a confirmatory bifactor model
set.seed(24)
g <- rnorm(600); s <- matrix(rnorm(1800), 600)
bifactor <- as.data.frame(sapply(1:9, function(j) round(c(.9, .8, .7, .8, .9, .6, .7, .8, .7)[j] * g + c(.5, .6, .5, .6, .4, .5, .6, .5, .5)[j] * s[, (j - 1) %/% 3 + 1] +
                                  .6 * (rexp(600) - 1), 3)))
names(bifactor) <- letters[1:9]
write.csv(bifactor, "bifactor.csv", row.names = FALSE)
v <- names(bifactor); l <- paste0("l", 1:9); m1 <- paste0("m", 1:9); e <- paste0("e", 1:9)
b <- function(x) paste0("(", paste(x, collapse = "+"), ")^2")
parts <- split(1:9, rep(1:3, each = 3))
mb <- c(paste("G =~", paste0(l, "*", v, collapse = " + ")),
        sapply(1:3, function(j) paste0("s", j, " =~ ", paste0(m1[parts[[j]]], "*", v[parts[[j]]], collapse = " + "))),
        paste0(v, " ~~ ", e, "*", v),
        paste0("groups := ", paste(sapply(parts, function(i) b(m1[i])), collapse = " + ")),
        paste0("whole := ", b(l), " + groups + ", paste(e, collapse = "+")),
        paste0("omega_h := ", b(l), " / whole"), paste0("omega_t := (", b(l), " + groups) / whole"))
from <- function(estimator) {
  p <- parameterEstimates(cfa(paste(mb, collapse = "\n"), bifactor, std.lv = TRUE, orthogonal = TRUE, estimator = estimator,
                              control = tight, optim.force.converged = TRUE))
  list(omega_h = p$est[p$label == "omega_h"], omega_t = p$est[p$label == "omega_t"],
       se_h = p$se[p$label == "omega_h"], se_t = p$se[p$label == "omega_t"])
}
save(list(ml = from("ML"), mlr = from("MLR")), "bifactor.json")
packages <- c("psych", "lavaan", "semTools", "jsonlite")
writeLines(c(R.version.string, paste(packages, sapply(packages, function(p) as.character(packageVersion(p))))), "VERSIONS")
