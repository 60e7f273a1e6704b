# Goldens for factor extraction, rotation, fit, scores and the Schmid-Leiman solution.
# Run in this folder: Rscript make.R
suppressMessages({library(psych); library(GPArotation); library(jsonlite)})
set.seed(20240415)
n <- 600
blocks <- rep(1:4, each = 4)
phi <- matrix(.35, 4, 4); diag(phi) <- 1
f <- matrix(rnorm(n * 4), n) %*% chol(phi)
lambda <- c(.8, .7, .6, .75, .65, .7, .5, .8, .6, .72, .68, .55, .7, .62, .77, .58)
z <- sapply(1:16, function(i) lambda[i] * f[, blocks[i]] + .15 * f[, blocks[i] %% 4 + 1] * (i %% 3 == 0) +
              sqrt(1 - lambda[i]^2) * rnorm(n))
clean <- as.data.frame(round(z, 3))
ordinal <- as.data.frame(apply(z, 2, function(v) as.integer(cut(v, c(-Inf, -1.2, -.2, .7, 1.6, Inf)))))
reversed <- clean; reversed[, c(2, 7)] <- -reversed[, c(2, 7)]
near <- clean[, 1:12]; near[, 12] <- round(near[, 1] + .08 * near[, 12], 3)
holes <- as.matrix(clean); holes[sample(length(holes), 700)] <- NA; holes <- as.data.frame(holes)
sets <- list(clean = clean, ordinal = ordinal, reversed = reversed, near = near, holes = holes)
for (name in names(sets)) {
  names(sets[[name]]) <- paste0("v", seq_along(sets[[name]]))
  write.csv(sets[[name]], paste0(name, ".csv"), row.names = FALSE, na = "")
}
plain <- function(m) unname(as.matrix(unclass(m)))
out <- list()

# Unrotated: minres by fa with its optimiser tightened through repeated starts is not offered, so the loadings are
# polished: the minimum residual solution is a fixed point of principal axes, which is iterated to 1e-12.
polish <- function(r, k, h2) {
  for (i in 1:20000) {
    diag(r) <- h2; e <- eigen(r, symmetric = TRUE)
    l <- e$vectors[, 1:k, drop = FALSE] %*% diag(sqrt(e$values[1:k]), k)
    new <- rowSums(l^2); done <- max(abs(new - h2)) < 1e-12; h2 <- new
    if (done) break
  }
  l
}
signed <- function(l) l %*% diag(ifelse(colSums(l) < 0, -1, 1), ncol(l))
for (name in names(sets)) {
  k <- if (name == "near") 3 else 4
  r <- cor(sets[[name]], use = "pairwise")
  u <- fa(r, k, rotate = "none", fm = "minres", n.obs = n)
  ml <- factanal(covmat = r, factors = k, rotation = "none", n.obs = n, start = pmax(u$uniquenesses, .006),
                 control = list(opt = list(factr = 1e4, maxit = 5000)))
  pa <- suppressWarnings(fa(r, k, rotate = "none", fm = "pa", n.obs = n, max.iter = 20000, min.err = 1e-11))
  best <- signed(polish(r, k, rowSums(u$loadings^2)))
  st <- fa.stats(r, best, n.obs = n, alpha = .1)
  out[[name]] <- list(
    n_factors = k, minres = best, psych_minres = signed(plain(u$loadings)),
    ml = signed(plain(ml$loadings)), ml_criterion = unname(ml$criteria["objective"]), paf = signed(plain(pa$loadings)),
    fit = list(chi2 = st$STATISTIC, df = st$dof, p = st$PVAL, tli = st$TLI, rmsea = unname(st$RMSEA), rmsr = st$rms,
               crms = st$crms, bic = st$BIC, objective = st$objective, null_chi2 = st$null.chisq, null_df = st$null.dof))
}

# Binary and three-level answers, cut from the clean ones: minimum residuals of Pearson correlations.
levels <- list(binary = as.data.frame(lapply(sets$clean, function(v) findInterval(v, .4))),
               three = as.data.frame(lapply(sets$clean, function(v) findInterval(v, c(.5, 1.5)))))
few <- lapply(levels, function(x) {
  r <- cor(x); u <- fa(r, 4, rotate = "none", fm = "minres", n.obs = n)
  best <- signed(polish(r, 4, rowSums(u$loadings^2))); st <- fa.stats(r, best, n.obs = n, alpha = .1)
  list(minres = best, kmo = KMO(r)$MSA, chi2 = st$STATISTIC, df = st$dof, tli = st$TLI, rmsea = unname(st$RMSEA[1]), rmsr = st$rms)
})
write_json(few, "levels.json", digits = 12, auto_unbox = TRUE)

# Rotations of one fixed matrix: GPArotation tightened, best of 100 random starts.
A <- out$clean$minres
target <- matrix(0, 16, 4)
V <- GPForth(A, method = "varimax", eps = 1e-7, maxit = 2000)$loadings
for (i in 1:16) target[i, which.max(abs(V[i, ]))] <- NA
W <- ifelse(is.na(target), 0, 1); T0 <- ifelse(is.na(target), 0, target)
rotations <- list(
  varimax = list(m = "varimax", o = FALSE), quartimax = list(m = "quartimax", o = FALSE),
  oblimin = list(m = "quartimin", o = TRUE), geomin = list(m = "geomin", o = TRUE),
  geomin_orthogonal = list(m = "geomin", o = FALSE), bifactor = list(m = "bifactor", o = FALSE),
  bifactor_oblique = list(m = "bifactor", o = TRUE), target = list(m = "pst", o = TRUE),
  target_orthogonal = list(m = "pst", o = FALSE))
rot <- list()
for (name in names(rotations)) for (normalize in c(FALSE, TRUE)) {
  spec <- rotations[[name]]; best <- NULL
  if (spec$m == "pst" && normalize) next
  set.seed(1)
  for (start in 1:10) {
    args <- list(A, Tmat = if (start == 1) diag(4) else Random.Start(4), method = spec$m, eps = 1e-6, maxit = 1000, normalize = normalize)
    if (spec$m == "pst") args$methodArgs <- list(W = W, Target = T0)
    fit <- suppressWarnings(do.call(if (spec$o) GPFoblq else GPForth, args))
    f <- fit$Table[nrow(fit$Table), 2]
    if (is.null(best) || f < best$f - 1e-10) best <- list(f = f, loadings = plain(fit$loadings), phi = if (spec$o) plain(fit$Phi) else diag(4))
  }
  rot[[paste0(name, if (normalize) "_kaiser" else "")]] <- best
}
# psych normalises rows for the varimax and for the fit to its powers; without, from Hendrickson & White's equations
V <- rot$varimax$loadings
U <- lm.fit(V, V * abs(V)^3)$coefficients
rot$promax <- list(loadings = unname(V %*% U %*% diag(sqrt(diag(solve(crossprod(U)))))), f = 0)
rot$promax_kaiser <- list(loadings = plain(kaiser(A, rotate = "Promax")$loadings), f = 0)
out$rotation <- list(unrotated = A, target = T0, free = W, methods = rot)

# Scores, determinacy, Schmid-Leiman on polished loadings.
r <- cor(clean)
ob <- GPFoblq(A, method = "quartimin", eps = 1e-7, maxit = 2000)
L <- plain(ob$loadings); P <- plain(ob$Phi)
dimnames(L) <- list(names(clean), paste0("F", 1:4)); dimnames(P) <- list(colnames(L), colnames(L))
sc <- list(loadings = unname(L), phi = unname(P))
for (m in c("Thurstone", "Bartlett", "tenBerge")) {
  s <- factor.scores(clean, L, Phi = P, method = m)
  sc[[m]] <- list(weights = plain(s$weights), head = plain(s$scores)[1:5, ])
}
sc$determinacy <- sqrt(unname(factor.scores(clean, L, Phi = P, method = "Thurstone")$R2))
out$scores <- sc
sl <- schmid(r, 3, fm = "minres", rotate = "oblimin")
sl4 <- schmid(r, 4, fm = "minres", rotate = "oblimin"); sl2 <- suppressMessages(schmid(r, 2, fm = "minres", rotate = "oblimin"))
out$schmid <- lapply(list(two = sl2, three = sl, four = sl4), function(s) list(sl = unname(as.matrix(s$sl)), names = colnames(s$sl), gloading = plain(s$gloading)))
out$ordinal_polychoric <- { q <- polychoric(sets$ordinal, smooth = FALSE)$rho; list(loadings = signed(polish(q, 4, rowSums(fa(q, 4, rotate = "none")$loadings^2)))) }
write_json(out, "golden.json", digits = 12, auto_unbox = TRUE, matrix = "rowmajor", na = "null")
writeLines(c(R.version.string, paste("psych", packageVersion("psych")), paste("GPArotation", packageVersion("GPArotation"))), "VERSIONS")
